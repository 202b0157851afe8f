"""Storage of files that several processes and machines share.

opening   opens the bucket of the settings
bucket    a bucket of an S3-compatible store
failures  why a call of it failed
batches   names that are read from a disk, in batches
"""
