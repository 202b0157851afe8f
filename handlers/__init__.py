"""What runs inside a TorchServe worker: image preprocessing and one handler a model.

Every module imports its neighbours as `handlers.<module>`, in tests, in training and in a
worker alike: `archive_scripts.archives.building` packs this package as a folder of each archive.
"""
