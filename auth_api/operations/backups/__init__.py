"""Backup of everything that cannot be rebuilt into one file, and restore into either database.

archive  the file: a tar with checksums, written and read as a stream
rows     tables as lines of JSON, the same from SQLite and PostgreSQL
files    the files beside the database, and their move into place at once
backup   writes a backup while the service runs
restore  restores a backup into an empty service, or replaces an existing one

The members, in this order:

    manifest.json                      time, version, schema revision, numbers of rows
    secret_key                         the secret that signs tokens, unless it was left out
    tables/predictions.jsonl           a line for each row
    pictures/2026112201-3f...image     images of the history, named by their rows, from wherever
                                       they are stored
    uploads/9c...                      images of unfinished jobs
    models/ranjana-1.1.mar             trained or registered models
    sums.txt                           SHA-256 of all of the above

Rows are read first, in one snapshot, then the files that they name. A file that is deleted in the
meantime is missing, and a file that is added in the meantime has no row. Work folders of trainings
are left out, because a restored training starts again.
"""
