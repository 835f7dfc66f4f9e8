"""Delivery: a version travels from target to target as it is, and is asked again where it arrives."""
