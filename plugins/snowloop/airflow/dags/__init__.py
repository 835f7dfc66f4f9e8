"""The DAGs of all declared projects: one line in a file of Airflow's DAG folder brings them.

    from snowloop.airflow.dags import *

A declaration that cannot be used and a DAG that cannot be drawn are import errors of that file, and stop no other
project. It is here that DAGs are drawn: what they are drawn with is ``snowloop.airflow.drawing``.
"""

from snowloop.airflow.dags import (
    backfill,
    challenge,
    environment,
    health,
    life_cycle,
    promote,
    rehearse,
    requeue,
    rollback,
    score,
    train,
)
from snowloop.airflow.drawing import declaration_problems, draw_dags

KINDS = (
    environment, train, score, life_cycle, rollback, health, backfill, requeue, challenge, rehearse, promote,
)  # fmt: skip
"""The kinds of DAG; each project has one of each."""
_DRAWN = draw_dags(*(kind.draw for kind in KINDS), problems=declaration_problems())

globals().update(_DRAWN)
__all__ = [*_DRAWN]  # noqa: PLE0604 - the ids of the DAGs, for import *
