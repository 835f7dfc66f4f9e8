"""What the evaluation procedure asks of data and versions: leakage, skew, odd rows, and scores that were served."""
