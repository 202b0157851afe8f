"""Trainings: jobs that run `python -m archive_scripts improve FOLDER` as a process.

planning          checks a request or command, chooses the version, queues the job
labelled_uploads  the labelled pictures that come with it
training_job      the kinds of jobs: prepare, train, register the new version
training_process  one training process: start, read its events, limit its memory, stop
outcome           the outcome of a job, from the events of its process
missing_models    how far the models without an archive are, which the launcher trains
"""
