"""Pydantic models of requests and answers. `/docs` shows their descriptions.

accounts        accounts, sign-in, API keys
administration  users, audit log, settings and overview, for administrators
analytics       usage over time
bases           base models of the others
characters      the characters to learn
corrections     corrections of predictions
errors          the body of every error
history         history, progress and feedback
jobs            batch jobs
models          models, versions, traffic, evaluation
ops             health and readiness
recognition     recognition and comparison
sessions        sign-ins of an account
training        training and tuning
versions        the syntax of version numbers
"""
