"""How much the service is used, counted as it goes, for analytics that stay fast.

tables     the counts, by the hour and by user and day
counting   counts in memory, written every second
analytics  what is made of them
"""
