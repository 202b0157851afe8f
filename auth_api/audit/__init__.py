"""The audit log: who did what, when, and from where.

recording  writes entries, in the transaction of the change that they describe
queries    reads the log in pages and exports it as CSV
"""
