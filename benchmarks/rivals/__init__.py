"""Other servers for the same model, which `benchmarks.servers` starts.

eager   a Flask application with the eager model
lit     LitServe with the exported model
worker  the handler without a server
"""
