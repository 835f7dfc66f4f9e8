"""What is measured on labels and scores: metrics, their intervals, comparisons of two versions, curves and details."""
