"""``snowloop ci``: a change is tried in a disposable database, and reported."""
