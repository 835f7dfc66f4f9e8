"""Whether a task is as it was made: what SHOW TASKS tells of it against what is declared."""

import re
from collections.abc import Mapping
from typing import Any

COMMENT = re.compile(r"--[^\n]*")
FREE = re.compile(r"[\s\"\\;\[\]]+")
"""What an account may write in another way: white space, quotes of names, the end of a statement, lists."""
NOTHING = ("", "NULL", "NONE")


def drift(wanted: Mapping[str, str], shown: Mapping[str, Any]) -> list[str]:
    """Columns in which a task differs from its declaration, although its fingerprint is right: somebody altered it.

    Texts are compared without comments, white space, quotes of names and case, because an account may give them back
    in another form than they were sent in; a column that an account does not show is not compared.

    Args:
        wanted: What SHOW TASKS should tell, by column.
        shown: A row of SHOW TASKS.

    Returns:
        Names of the columns, none if the task is as declared.
    """
    return [name for name, value in wanted.items() if name in shown and not _same(name, value, shown[name])]


def _same(name: str, value: str, found: Any) -> bool:
    wanted, there = _bare(value), _bare(found)
    if name == "task_relations":  # it may tell of more than the root that is finalized
        return wanted.strip("{}") in there
    return wanted == there or (wanted in NOTHING and there in NOTHING)


def _bare(value: Any) -> str:
    text = "" if value is None else str(value)
    return FREE.sub("", COMMENT.sub("", text)).upper()
