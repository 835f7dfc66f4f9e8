"""What PUT answers is read: a file that is not stored is an error."""

from types import SimpleNamespace
from typing import Any

import pytest

from snowloop.errors import AnswerError
from snowloop.stage_files import upload, upload_compressed


def session(*statuses: str) -> Any:
    """A session whose PUT gives these states; put_stream gives one of them."""
    results = [SimpleNamespace(status=status, message="the disk is full") for status in statuses]
    return SimpleNamespace(file=SimpleNamespace(put=lambda *_, **__: results, put_stream=lambda *_, **__: results[0]))


@pytest.mark.parametrize("status", ["UPLOADED", "SKIPPED"])
def test_a_file_that_is_on_the_stage(tmp_path: Any, status: str):
    upload(session(status), "@S/a.py", b"x")
    upload_compressed(session(status), tmp_path / "a.csv", "@S/folder")


def test_a_file_that_is_not_stored_is_named_with_the_answer(tmp_path: Any):
    with pytest.raises(AnswerError, match=r"@S/a.py was not stored, PUT answered: ERROR the disk is full; run"):
        upload(session("ERROR"), "@S/a.py", b"x")
    with pytest.raises(AnswerError, match=r"@S/folder/a.csv was not stored, PUT answered: ERROR the disk is full"):
        upload_compressed(session("ERROR"), tmp_path / "a.csv", "@S/folder")
    with pytest.raises(AnswerError, match="PUT answered: no file"):
        upload_compressed(session(), tmp_path / "a.csv", "@S/folder")
