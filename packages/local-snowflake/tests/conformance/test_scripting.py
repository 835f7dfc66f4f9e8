"""Snowflake Scripting: the numbered semantics Q1 - Q10."""

from __future__ import annotations

import json
import time

import pytest
from tests.conformance.account import Account
from tests.conformance.marks import refused


@pytest.fixture
def t(account: Account) -> Account:
    """The account with the table T of three rows."""
    account("CREATE OR REPLACE TABLE T (A INT, S VARCHAR)")
    account("INSERT INTO T VALUES (1, 'x'), (2, 'y'), (3, 'z')")
    return account


def test_q1_blocks(account: Account) -> None:
    """A block declares variables before and among its statements, has their types and returns one value, else NULL."""
    block = """DECLARE
      a INTEGER DEFAULT 2;
      b NUMBER(10, 2) := 1.255;
      c VARCHAR;
    BEGIN
      LET d := a * 3;
      LET e FLOAT := d / 4;
      c := 'it''s ' || d::VARCHAR || ';';
      BEGIN
        LET a := 100;
        d := d + a;
      END;
      RETURN OBJECT_CONSTRUCT('a', a, 'b', b, 'c', c, 'd', d, 'e', e);
    END;"""
    found = json.loads(account.one(block))
    assert found == {"a": 2, "b": 1.26, "c": "it's 6;", "d": 106, "e": 1.5}
    assert account("BEGIN LET x := 1; END") == [(None,)]
    assert account.one("BEGIN RETURN -- why\n 'END;'; END;") == "END;"


def test_q2_branches_and_loops(account: Account) -> None:
    """IF, CASE, FOR … TO, WHILE, REPEAT and LOOP; BREAK and CONTINUE go for the innermost loop, or that of a label."""
    block = """DECLARE
      s VARCHAR DEFAULT '';
      n INT DEFAULT 0;
    BEGIN
      FOR i IN REVERSE 1 TO 3 DO s := s || i; END FOR;
      WHILE (n < 10) DO
        n := n + 1;
        IF (n = 2) THEN CONTINUE; ELSEIF (n > 4) THEN BREAK; ELSE s := s || '-' || n; END IF;
      END WHILE;
      REPEAT n := n - 1; UNTIL (n <= 3) END REPEAT;
      LOOP
        FOR i IN 1 TO 9 LOOP
          IF (i = n) THEN BREAK outer_loop; END IF;
          s := s || '+' || i;
        END LOOP;
      END LOOP outer_loop;
      CASE (n) WHEN 2 THEN s := s || ' two'; WHEN 3 THEN s := s || ' three'; ELSE NULL; END CASE;
      CASE WHEN n > 5 THEN s := ''; ELSE s := s || CASE WHEN n = 3 THEN '!' ELSE '?' END; END;
      RETURN s;
    END"""
    assert account.one(block) == "321-1-3-4+1+2 three!"
    assert account.one("BEGIN IF (NULL) THEN RETURN 1; END IF; RETURN 2; END") == 2


def test_q3_cursors_and_resultsets(t: Account) -> None:
    """FOR over a cursor or a RESULTSET gives its rows; FETCH gives NULL at the end; RETURN TABLE gives all."""
    block = """DECLARE
      c CURSOR FOR SELECT A, S FROM T WHERE A > ? ORDER BY A;
      total INT DEFAULT 0;
      x INT;
      y VARCHAR;
    BEGIN
      LET r RESULTSET := (SELECT A AS "n", S FROM T ORDER BY A);
      FOR row_ IN r DO total := total + row_."n"; y := row_.s; END FOR;
      OPEN c USING (total - 4);
      FETCH c INTO x, y;
      LET first := x || y;
      FETCH c INTO x, y;
      CLOSE c;
      RETURN first || COALESCE(x::VARCHAR, ' end ') || total;
    END"""
    assert t.one(block) == "3z end 6"
    rows = "DECLARE r RESULTSET; BEGIN r := (SELECT A * 10 AS TENS FROM T WHERE A < 3 ORDER BY A); RETURN TABLE(r); END"
    assert t(rows) == [(10,), (20,)]
    looped = "BEGIN FOR r IN c DO n := n + r.A; END FOR; RETURN n; END"
    assert t.one(f"DECLARE n INT DEFAULT 0; c CURSOR FOR SELECT A FROM T; {looped}") == 6


def test_q4_variables_in_statements(t: Account) -> None:
    """A variable is :name in a statement, also in IDENTIFIER; INTO takes one row; SQLROWCOUNT, SQLFOUND tell of DML."""
    block = """BEGIN
      LET a := 2; LET name := 'T'; LET v := PARSE_JSON('{"k": [5, 6]}'); LET day := '2026-01-31'::DATE;
      INSERT INTO IDENTIFIER(:name) (A, S) VALUES (:a + 40, 'o''clock: ' || :day), (:v:k[1], NULL);
      LET inserted := SQLROWCOUNT;
      LET n INT; LET s VARCHAR;
      SELECT COUNT(*), MAX(S) INTO :n, :s FROM T WHERE A > :a;
      UPDATE T SET S = 'none' WHERE A = :a + 97;
      LET below INT := (SELECT MAX(A) FROM T WHERE A < :a);
      RETURN inserted || ' ' || n || s || ' ' || SQLROWCOUNT || SQLFOUND || SQLNOTFOUND || ' ' || below;
    END"""
    assert t.one(block) == "2 3z 0falsetrue 1"
    assert t("SELECT A, S FROM T WHERE A > 3 ORDER BY A") == [(6, None), (42, "o'clock: 2026-01-31")]
    assert "expects exactly 1 returned row, but got 5" in str(
        t.refusal("BEGIN LET a := 0; SELECT A INTO :a FROM T; END").msg
    )
    assert t.refusal("BEGIN SELECT :nowhere; END").errno == 2049


def test_q5_exceptions(t: Account) -> None:
    """An exception goes to the innermost handler of its name or OTHER, with SQLCODE, SQLERRM, SQLSTATE; else out."""
    block = """DECLARE
      mine EXCEPTION (-20002, 'Raised mine.');
    BEGIN
      BEGIN
        INSERT INTO T VALUES (9, 'kept');
        RAISE mine;
      EXCEPTION
        WHEN STATEMENT_ERROR THEN RETURN 'wrong';
      END;
    EXCEPTION
      WHEN STATEMENT_ERROR OR mine THEN RETURN SQLCODE || ' ' || SQLERRM || ' ' || SQLSTATE;
    END"""
    assert t.one(block) == "-20002 Raised mine. P0001"
    assert t("SELECT S FROM T WHERE A = 9") == [("kept",)]
    failing = "BEGIN\n  SELECT * FROM NOWHERE;\n{}END"
    refused_ = t.refusal(failing.format(""))
    assert (refused_.errno, refused_.sqlstate) == (2003, "02000")
    assert "Uncaught exception of type 'STATEMENT_ERROR' on line 2 at position 2 : SQL compilation error:" in str(
        refused_.msg
    )
    assert t.one(failing.format("EXCEPTION WHEN OTHER THEN RETURN SQLCODE; ")) == 2003
    again = t.refusal(failing.format("EXCEPTION WHEN STATEMENT_ERROR THEN INSERT INTO T VALUES (10, ''); RAISE; "))
    assert again.errno == 2003
    assert t("SELECT COUNT(*) FROM T WHERE A = 10") == [(1,)]
    assert "type 'EXPRESSION_ERROR'" in str(t.refusal("BEGIN LET i INT := 'abc'; END").msg)


def test_q6_execute_immediate(t: Account) -> None:
    """EXECUTE IMMEDIATE runs a text, a variable's text or a block, with USING in the place of ?."""
    assert t("EXECUTE IMMEDIATE 'SELECT A FROM T WHERE A < 2'") == [(1,)]
    assert t.one("EXECUTE IMMEDIATE $$ DECLARE x INT; BEGIN x := 4; RETURN x; END; $$") == 4
    t("SET STMT = 'SELECT S FROM T WHERE A = ?'")
    t("SET N = 2")
    assert t("EXECUTE IMMEDIATE $STMT USING ($N)") == [("y",)]
    block = """BEGIN
      LET q := 'SELECT COUNT(*) AS C FROM T WHERE A > ? AND S <> ?'; LET a := 1; LET s := 'y';
      LET r RESULTSET := (EXECUTE IMMEDIATE :q USING (a, s));
      EXECUTE IMMEDIATE 'CREATE OR REPLACE TABLE ' || 'T_' || a || ' (I INT)';
      RETURN TABLE(r);
    END"""
    assert t(block) == [(1,)]
    assert t("SELECT * FROM T_1") == []


def test_q7_procedures(t: Account) -> None:
    """A LANGUAGE SQL procedure's arguments are variables; it returns a value of its type, or a table."""
    t(
        "CREATE OR REPLACE PROCEDURE ADDS(A INT, S VARCHAR DEFAULT 'new') RETURNS VARCHAR LANGUAGE SQL AS $$\n"
        "BEGIN\n  INSERT INTO T VALUES (:A, :S);\n  RETURN a + 1;\nEND;\n$$"
    )
    assert t("CALL ADDS(7)") == [("8",)]
    assert t("SELECT S FROM T WHERE A = 7") == [("new",)]
    t(
        "CREATE OR REPLACE PROCEDURE ROWS_OVER(LOW INT) RETURNS TABLE (N NUMBER, S VARCHAR) AS "
        "DECLARE r RESULTSET DEFAULT (SELECT A, S FROM T WHERE A > :LOW ORDER BY A); BEGIN RETURN TABLE(r); END;"
    )
    assert t("CALL ROWS_OVER(2)") == [(3, "z"), (7, "new")]
    assert t.one("BEGIN LET got VARCHAR; CALL ADDS(8, S => 'by name') INTO :got; RETURN got; END") == "9"
    assert t.refusal("CREATE PROCEDURE BAD() RETURNS INT LANGUAGE SQL AS 'BEGIN IF (1=1) RETURN 1; END'").errno == 1003


def test_q8_task_bodies(t: Account) -> None:
    """A task's body may be a block."""
    t("CREATE OR REPLACE TASK FILLS AS BEGIN FOR i IN 10 TO 12 DO INSERT INTO T VALUES (:i, 'task'); END FOR; END")
    t("EXECUTE TASK FILLS")
    until = time.monotonic() + 60
    while t.one("SELECT COUNT(*) FROM T WHERE S = 'task'") < 3 and time.monotonic() < until:
        time.sleep(0.1)
    assert t("SELECT A FROM T WHERE S = 'task' ORDER BY A") == [(10,), (11,), (12,)]


def test_q9_transactions(t: Account) -> None:
    """Statements of a block commit one by one, or together from BEGIN TRANSACTION to a COMMIT in the same block."""
    t("BEGIN INSERT INTO T VALUES (20, ''); BEGIN TRANSACTION; INSERT INTO T VALUES (21, ''); ROLLBACK; END")
    assert t("SELECT A FROM T WHERE A >= 20") == [(20,)]
    assert t.refusal("BEGIN BEGIN TRANSACTION; INSERT INTO T VALUES (22, ''); END").errno == 90232
    assert t("SELECT A FROM T WHERE A >= 20") == [(20,)]
    t("BEGIN TRANSACTION")
    t("BEGIN INSERT INTO T VALUES (23, ''); END")
    assert t.refusal("BEGIN COMMIT; END").errno == 90231
    t("ROLLBACK")
    assert t("SELECT A FROM T WHERE A >= 20") == [(20,)]


@refused("child jobs, nested procedures and handlers that go on are not there")
def test_q10_left_out(t: Account) -> None:
    """ASYNC and AWAIT, EXCEPTION WHEN … CONTINUE, procedures nested in blocks, EXECUTE IMMEDIATE FROM."""
    for sql in (
        "BEGIN ASYNC (SELECT 1); END",
        "BEGIN LET r RESULTSET := ASYNC (SELECT 1); END",
        "BEGIN AWAIT ALL; END",
        "BEGIN NULL; EXCEPTION WHEN OTHER CONTINUE THEN NULL; END",
        "DECLARE p PROCEDURE() RETURNS INT AS BEGIN RETURN 1; END; BEGIN NULL; END",
        "EXECUTE IMMEDIATE FROM @s/f.sql",
    ):
        assert t.refusal(sql).errno == 2, sql
