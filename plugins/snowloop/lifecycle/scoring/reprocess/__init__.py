"""Scoring rows again: backfill, requeue and recovery."""
