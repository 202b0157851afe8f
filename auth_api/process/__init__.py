"""Processes: the server, its start and stop, and child processes.

server            runs uvicorn in one process or several
stopping          drains a process before it stops
children          starts and stops child processes
confinement       hides files and processes of the service from its children
ports             checks that a port is free
running_launcher  tells commands where a running launcher's TorchServe is
waiting           logs what the service waits for
"""
