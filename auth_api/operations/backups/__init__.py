"""All that cannot be made anew, in one file, and back from it, on whichever database.

    archive      the file: a tar that is written and read in one go, with sums of all it has
    rows         tables as lines of JSON, the same from SQLite and PostgreSQL
    files        what lies beside the database, and putting it there all at once
    making       a backup, while the service runs
    restoring    what was backed up, where nothing is yet, or in place of what is

The members, in this order:

    manifest.json                      when, of which version and revision, how many rows
    secret_key                         what tokens are signed with, unless it was left out
    tables/predictions.jsonl           a line a row
    pictures/2026112201-3f...image     of the history, by the names of its rows
    uploads/9c...                      the images of jobs that have not ended
    models/ranjana-1.1.mar             what was trained or registered
    sums.txt                           SHA-256 of all of the above

Rows come first, in one snapshot, then the files that they name: one that is deleted meanwhile is
simply not there, one that is added meanwhile has no row. Folders of trainings are left out: a
training that had begun begins anew.
"""
