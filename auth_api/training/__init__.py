"""Trainings, which are processes of their own: `python -m archive_scripts improve FOLDER`.

improving  one such process: started, listened to, watched, stopped
outcome    what its events add up to
missing    models that are trained because there are none yet
"""
