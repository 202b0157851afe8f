"""Work that takes longer than a request: handed in, queued in the database, done by whichever
process of the service takes it up.

    tables      jobs and their items
    queue       what becomes of them in the database: one statement or transaction each
    runner      takes jobs up and sees to it that one process alone works at each
    owned       jobs as their owners see them: handed in, looked at, cancelled
    presenting  the same in JSON and CSV
    predicting  the kind of job that reads many images
    training    the kinds that train a model, or look for what to train it with
    folders     where those work
    labelled    zips of labelled pictures
    inputs      what was sent for a job, one file
    receiving   an upload of any size -> that file
    forms       its multipart form, a megabyte in memory at a time
    zips        what is taken out of a zip, and what is refused
"""
