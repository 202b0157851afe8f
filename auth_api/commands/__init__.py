"""Commands for operators: `python -m auth_api <subject> <verb>`, on the database of the service.

parser       builds the parser and runs a command
output       tables for people, JSON for programs, progress bars
options      arguments that several commands share
files        writes files completely or not at all
prompts      asks for a password or a confirmation
accounts     create-admin, users
clean_up     clean-up
migrate      migrate
models       models: list, show, report, metrics, export
releases     models: register, remove, default, traffic, scale
training     models: train, tune
jobs         jobs
corrections  corrections
audit_log    audit
backups      backup, restore
worksheets   worksheet

A command is a function of the services, its options and its output. It raises `ApiError`; only
`parser` turns that into an exit code. Commands check no authorisation, because whoever can run them
can read the database anyway.
"""
