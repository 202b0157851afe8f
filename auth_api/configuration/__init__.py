"""The types of settings and their checks.

values           the types of settings, from text to value
secret_strength  how strong the signing secret must be
"""
