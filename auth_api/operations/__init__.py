"""Operation of the service: start, clean-up, backups, and overviews.

startup             waits for the database and for other services at the start
cleanup             removes expired and orphaned data
backups             backup and restore
effective_settings  the settings in force, without secrets
overview            counts, disk space and versions for administrators
"""
