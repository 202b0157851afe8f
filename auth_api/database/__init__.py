"""The database, SQLite or PostgreSQL.

database        reads, writes and migrates; turns an unreachable database into `Unavailable`
backends        the two drivers
private_files   keeps the files of SQLite for their owner
statements      the few hot statements that bypass SQLAlchemy
micro_batching  groups concurrent small calls into few large ones
columns         column types and factories that all tables use
tables          the tables, one module a subject
migrations      the schema's revisions, run by Alembic
"""
