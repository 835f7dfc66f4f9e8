"""Random corrections and deletions of rows of the tiny project's source."""

from dataclasses import dataclass

from tests.support.tiny import COLUMNS, Event, insertion, literal
from tests.support.trial import INITIAL, Trial

KINDS = {"update": 5, "again": 4, "merge": 3, "delete": 2, "put back": 2}


@dataclass(frozen=True)
class Change:
    """A statement that changes the source.

    Args:
        statement: Its text; {db} stands for the database.
        written: The tag of an image that is there afterwards; None if it only deletes.
    """

    statement: str
    written: int | None = None


def draw(trial: Trial) -> list[Change]:
    """One deletion, new rows, and then changes of them, of older rows, and of rows from before scoring began."""
    chance = trial.random
    made = [_delete(trial, chance.choice([tag for tag in trial.live if tag > INITIAL]))]
    events = trial.mixed(chance.randint(1, 6))
    made.append(Change(insertion(events), events[0].tag))
    for kind in chance.choices([*KINDS], [*KINDS.values()], k=chance.randint(2, 6)):
        tag = _latest(trial) if kind == "again" else _some(trial)
        if kind == "merge":
            made.append(_merge(trial))
        elif kind in ("delete", "put back"):
            made.append(_delete(trial, tag))
        else:
            made.append(_update(trial, tag))
        if kind == "put back":
            event = trial.corrected(tag)
            made.append(Change(insertion([event]), event.tag))
    return made


def perform(trial: Trial, changes: list[Change]) -> None:
    """Send statements in their order; those that came through are taken off the list, which may be gone on with."""
    while changes:
        there = f"SELECT COUNT(*) FROM {{db}}.RAW.EVENTS WHERE TAG = {changes[0].written}"
        if changes[0].written is None or not trial.world.value(there):
            trial.world.rows(changes[0].statement)
        del changes[0]


def _latest(trial: Trial) -> int:
    """The row that was written last, so that one row is corrected several times before it is scored."""
    return max(trial.live)


def _some(trial: Trial) -> int:
    """One of the rows that came lately, of all that arrived, or of all."""
    tags = [*trial.live]
    return trial.random.choice(trial.random.choice([tags[-20:], [tag for tag in tags if tag > INITIAL], tags]))


def _delete(trial: Trial, tag: int) -> Change:
    trial.gone.add(tag)
    return Change(f"DELETE FROM {{db}}.RAW.EVENTS WHERE TAG = {tag}")


def _update(trial: Trial, tag: int) -> Change:
    event = trial.corrected(tag)
    values = ", ".join(f"{name} = {literal(cell)}" for name, cell in zip(COLUMNS, event.cells, strict=True))
    return Change(f"UPDATE {{db}}.RAW.EVENTS SET {values} WHERE TAG = {tag}", event.tag)


def _merge(trial: Trial) -> Change:
    """Some rows are corrected and some come new, in one statement."""
    old, new = sorted({_some(trial) for _ in range(3)}), trial.mixed(trial.random.randint(1, 3))
    rows: list[tuple[int, Event]] = [*((tag, trial.corrected(tag)) for tag in old), *((0, event) for event in new)]
    values = ", ".join(f"({', '.join(literal(cell) for cell in (tag, *event.cells))})" for tag, event in rows)
    statement = (
        f"MERGE INTO {{db}}.RAW.EVENTS AS T "
        f"USING (SELECT * FROM VALUES {values} AS V(OLD, {', '.join(COLUMNS)})) AS N ON T.TAG = N.OLD "
        f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{name} = N.{name}' for name in COLUMNS)} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(COLUMNS)}) VALUES ({', '.join(f'N.{name}' for name in COLUMNS)})"
    )
    return Change(statement, new[0].tag)
