"""`python -m auth_api <subject> <verb>`: what operators do, on the same database as the service.

    line         the command line: which commands there are, and how one is run
    output       tables for people, `--json` for programs
    options      what several commands take
    writing      files that are whole, or not there
    asking       passwords from a terminal or a pipe, and whether to go on
    accounts     create-admin, users
    cleaning     clean-up
    migrating    migrate
    models       models: looked at
    releases     models: changed
    training     models: trained
    jobs         jobs
    corrections  corrections
    audit_log    audit
    backups      backup, restore

A command is a function of the services, its options and where its answer goes. It raises
ApiError like everything else; only `line` makes exit codes of that. Operators sign in to
nothing: who may run this can read the database anyhow.
"""
