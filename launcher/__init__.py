"""`make serve`: TorchServe and the API as one thing that starts, heals and stops together."""
