"""Requests that try to hold up a service: `benchmarks.hostile` and `tests.faults` send them.

sending    sends an attack over its connections, and says what each got
requests   the bytes of requests
texts      S1: texts that are slow to search
pictures   S2: pictures that are slow to decode; `scans` makes JPEGs of many scans
documents  S3: JSON that takes more memory than its bytes
heads      S4: heads of requests without end
crowds     S5: many bodies and connections that are kept open
zips       S6: zips of many or very large entries
uploads    S7: uploads of one user at the same time
catalogue  all attacks
"""
