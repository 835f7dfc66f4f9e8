"""Files put on stages; what PUT answers is read."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from snowloop.errors import AnswerError

if TYPE_CHECKING:
    from snowflake.snowpark import PutResult, Session

STORED = ("UPLOADED", "SKIPPED")
"""The states of PUT in which the file is on the stage (https://docs.snowflake.com/en/sql-reference/sql/put)."""


def upload(session: "Session", path: str, content: bytes) -> None:
    """Put a content on a stage as it is, in place of a file of the same name.

    Args:
        path: The stage, and the path of the file on it.
        content: What the file holds.

    Raises:
        AnswerError: if PUT answers that the file is not stored.
    """
    _check(path, [session.file.put_stream(BytesIO(content), path, auto_compress=False, overwrite=True)])


def upload_compressed(session: "Session", file: Path, folder: str) -> None:
    """Put a file on a stage, compressed by gzip; one of the same name stays.

    Args:
        file: The file; on the stage its name ends in ``.gz``.
        folder: The stage, and the folder on it.

    Raises:
        AnswerError: if PUT answers that the file is not stored.
    """
    _check(f"{folder}/{file.name}", session.file.put(str(file), folder, auto_compress=True, overwrite=False))


def _check(path: str, results: "list[PutResult]") -> None:
    if len(results) != 1 or results[0].status not in STORED:
        answer = "; ".join(f"{each.status} {each.message}".strip() for each in results) or "no file"
        message = f"{path} was not stored, PUT answered: {answer}; run the same command again"
        raise AnswerError(message)
