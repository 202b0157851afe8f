"""Usage counts, kept up to date with each request, so that analytics stay fast.

counters    counts in memory, written every second
analytics   reads the counts of a period, and the totals
estimates   means, percentiles, shares and their intervals; pure functions
presenting  JSON
"""
