"""From glyphs and data to `model_store/`: `python -m archive_scripts --help`.

May import `handlers`, so that training and serving share one preprocessing. Nothing
imports this package at serving time.
"""
