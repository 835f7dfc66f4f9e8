"""Monitoring of what serves, and rehearsals of retraining and rollback."""
