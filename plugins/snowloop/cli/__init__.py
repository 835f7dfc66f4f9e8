"""The command line: ``snowloop``."""
