"""Formats of numbers, dates and times: what TO_CHAR, TO_DATE and the like take as texts."""
