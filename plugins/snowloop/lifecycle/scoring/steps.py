"""The steps that a plan is applied by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from snowloop.lifecycle.procedure.code import StagedProcedure


@dataclass(frozen=True)
class Step:
    """One thing that apply does.

    Args:
        kind: ``sql``: send a statement; ``put``: upload a file; ``wait``: until no run of the graph is under way;
            ``empty``: go on only if a stream holds nothing.
        text: The statement; the place of the file in the stage; the root task; the stream.
    """

    kind: Literal["sql", "put", "wait", "empty"]
    text: str

    @property
    def file(self) -> str:
        """Name of the file that is uploaded."""
        return self.text.rpartition("/")[2]


def upload_steps(procedure: StagedProcedure, files: Sequence[str]) -> list[Step]:
    """Steps that upload files of a procedure.

    Args:
        procedure: The procedure.
        files: Names of its files.

    Returns:
        The steps.
    """
    return [Step("put", f"{procedure.stage}/{file}") for file in files]
