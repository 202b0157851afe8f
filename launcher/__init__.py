"""`make serve`: starts TorchServe and the API together, restarts what fails, and stops both.

supervisor      starts, watches and stops the two processes
model_server    one TorchServe: its process, workers, keys and files
readiness       says when the service is ready, or what is missing
configuration   the configuration, command line and environment of TorchServe
missing_models  trains the models that have no archive
answering       the health check of containers
settings        the launcher's settings
ports           finds a free port
"""
