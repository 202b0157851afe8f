"""Clients of the API, generated from its description.

python   `python -m clients.python FOLDER` writes a typed Python package
"""
