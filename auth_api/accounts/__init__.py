"""Accounts: how people register, sign in and manage what is theirs.

registration    creates accounts; refuses names that are taken
sign_in         checks passwords, starts sessions, changes passwords
guesses         limits wrong passwords, by where they come from
devices         knows the devices that have signed in before
sessions        issues and exchanges the tokens of a session
own_sessions    a user lists and ends their sessions
api_keys        a user creates, lists and revokes their API keys
profiles        a user reads, changes and deletes their account
administration  administrators list, change and deactivate users
usernames       which usernames are valid, and which two are the same
reserved_names  which usernames look official
passwords       which passwords are valid; hashes and verifies them
"""
