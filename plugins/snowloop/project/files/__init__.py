"""The files of a declaration: found, read and checked without running them; their schemas for editors."""
