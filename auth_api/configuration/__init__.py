"""What settings are made of.

values           the types of settings, from text to value
secret_strength  how strong the signing secret must be
"""
