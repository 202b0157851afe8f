"""The types of settings and their checks.

cores            how many cores this process may use
values           the types of settings, from text to value
secret_strength  how strong the signing secret must be
"""
