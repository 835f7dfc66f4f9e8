"""The ML Test Score of a project, from the evidence that its runs have left."""

from snowloop.lifecycle.monitoring.ml_test_score.card import ScoreCard, Scored, record_by_hand, score_card

__all__ = ["ScoreCard", "Scored", "record_by_hand", "score_card"]
