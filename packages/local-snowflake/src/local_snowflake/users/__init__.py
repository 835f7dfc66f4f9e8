"""The account's user: the public keys that it signs in with, and the tokens that prove it has the private one."""
