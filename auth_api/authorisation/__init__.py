"""Authorisation: who calls, and whether they may.

access          declares who may call a route
authoriser      identifies the caller of a request and checks the route's access
guards          checks the caller again, inside the transaction that writes
long_answers    checks the caller again while a stream or download is sent
tokens          issues and verifies JSON Web Tokens
signing_secret  stores the secret that signs them, if the settings have none
"""
