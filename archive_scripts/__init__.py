"""Trains the models and builds `model_store/`: `python -m archive_scripts --help`.

Imports `handlers`, because training and serving share one preprocessing. Nothing that serves
imports this package. Each room imports only the rooms below it:

commands     the command line
improvement  training on demand
evaluation   figures, charts and reports
archives     archives for TorchServe
training     networks and how they learn
synthesis    synthetic handwriting
letterforms  the ways to write each character
"""
