"""Roles and grants: what statements say of them. What they mean for other statements is in ``privileges``."""
