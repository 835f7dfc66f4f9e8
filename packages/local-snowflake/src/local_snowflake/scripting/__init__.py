"""Snowflake Scripting: blocks, variables, loops, cursors and exceptions around SQL statements.

Source: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/index
"""
