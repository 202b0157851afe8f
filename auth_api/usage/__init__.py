"""How much the service is used, counted as it goes, for analytics that stay fast.

tables      the counts, by the hour and by user and day
counting    counts in memory, written every second
analytics   what was asked over some time, read from the counts
volume      how much there was in all
estimates   means, percentiles and shares that follow from counts
presenting  the same in JSON
"""
