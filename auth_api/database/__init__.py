"""The database, SQLite or PostgreSQL.

database        reads, writes and migrates; what happens while it is unreachable
backends        the two drivers
statements      the few statements that skip SQLAlchemy because almost every request runs them
micro_batching  many small calls at the same time become few large ones
columns         the columns that tables are made of
tables          the tables, a module a subject
migrations      how they came to be so, by Alembic
"""
