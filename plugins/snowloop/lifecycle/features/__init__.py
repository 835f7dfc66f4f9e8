"""Training sets: features.sql and label.sql, point-in-time joins, and what may leak."""
