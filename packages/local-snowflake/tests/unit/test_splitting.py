"""A text of several statements -> the statements."""

from __future__ import annotations

import pytest

from local_snowflake.errors import SnowflakeError
from local_snowflake.scripting.splitting import split_statements

_BLOCK = "BEGIN IF (TRUE) THEN SELECT 1; END IF; BEGIN RETURN CASE WHEN TRUE THEN 1 END; END; END"


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        (" ; -- nothing\n ;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;\nSELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', \"a;b\"; SELECT 2", ["SELECT ';', \"a;b\"", "SELECT 2"]),
        ("SELECT 1 /* ; */; -- ;\nSELECT 2", ["SELECT 1 /* ; */", "SELECT 2"]),
        ("EXECUTE IMMEDIATE $$BEGIN NULL; END$$; SELECT 2", ["EXECUTE IMMEDIATE $$BEGIN NULL; END$$", "SELECT 2"]),
        ("BEGIN; COMMIT", ["BEGIN", "COMMIT"]),
        ("BEGIN TRANSACTION; COMMIT;", ["BEGIN TRANSACTION", "COMMIT"]),
        (f"{_BLOCK}; SELECT 2", [_BLOCK, "SELECT 2"]),
        (f"DECLARE n INT; {_BLOCK}; SELECT 2", [f"DECLARE n INT; {_BLOCK}", "SELECT 2"]),
        (f"CREATE TASK T AS {_BLOCK}; SELECT 2", [f"CREATE TASK T AS {_BLOCK}", "SELECT 2"]),
        ("CREATE TABLE T AS SELECT 1; SELECT 2", ["CREATE TABLE T AS SELECT 1", "SELECT 2"]),
    ],
)
def test_statements_end_at_semicolons_outside_of_texts_comments_and_blocks(sql: str, statements: list[str]) -> None:
    assert split_statements(sql) == statements


@pytest.mark.parametrize("sql", ["SELECT 'open", "BEGIN SELECT 1; IF (TRUE) THEN SELECT 2; END"])
def test_what_does_not_end_is_a_syntax_error(sql: str) -> None:
    with pytest.raises(SnowflakeError, match="compilation error"):
        split_statements(sql)
