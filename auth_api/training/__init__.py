"""Trainings, which are processes of their own: `python -m archive_scripts improve FOLDER`.

asking     a training that somebody asks for becomes a job
planning   what it needs, and which version it will be
improving  one such process: started, listened to, watched, stopped
outcome    what its events add up to
missing    models that are trained because there are none yet
"""
