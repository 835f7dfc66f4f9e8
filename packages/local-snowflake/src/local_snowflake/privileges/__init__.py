"""Who may do what, where the account enforces privileges: one place decides for all statements.

Three questions are asked here. What does a role see? The catalog of a statement hides all other objects, so that they
do not exist for it (``visible``). What may it change? The change of a statement is looked at as a whole before it is
committed (``changes``). What else does it need? Handlers ask for a privilege where a statement reads or writes rows or
files, or calls something (``rights``).

Source: https://docs.snowflake.com/en/user-guide/security-access-control-privileges
"""
