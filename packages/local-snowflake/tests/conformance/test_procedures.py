"""Procedures and functions: the numbered semantics P1 - P16."""

from __future__ import annotations

import pytest
from tests.conformance.account import PYTHON, Account
from tests.conformance.marks import deviates, refused


@pytest.fixture(scope="module", autouse=True)
def _rows(account: Account) -> None:
    account("CREATE TABLE T (A INT, K INT)")
    account("INSERT INTO T VALUES (1, 1), (2, 1), (3, 2)")


def test_p1_the_callers_session(account: Account) -> None:
    """A procedure sees its caller's temporary tables; what it makes and writes belongs to the caller's transaction."""
    account("CREATE OR REPLACE TABLE W (I INT)")
    account("CREATE OR REPLACE TEMPORARY TABLE SEEN AS SELECT 5 AS I")
    account.procedure("WRITES()", "def run(s):\n    s.sql('INSERT INTO W SELECT I FROM SEEN').collect()")
    account("BEGIN")
    account("CALL WRITES()")
    assert account("SELECT I FROM W") == [(5,)]
    account("ROLLBACK")
    assert account("SELECT I FROM W") == []


def test_p2_overloads_defaults_and_names(account: Account) -> None:
    """Overloads differ by the arguments' types; arguments have defaults and may be given by name."""
    account.procedure("OF(A INT, B INT DEFAULT 7)", "def run(s, a, b):\n    return f'number {a} {b}'")
    account.procedure("OF(A VARCHAR)", "def run(s, a):\n    return 'text ' + a")
    assert account.one("CALL OF(1, 2)") == "number 1 2"
    assert account.one("CALL OF('x')") == "text x"
    assert account.one("CALL OF(B => 3, A => 1)") == "number 1 3"
    assert account.refusal("CALL OF(1, 2, 3)").errno == 1044


def test_p3_declared_types(account: Account) -> None:
    """Arguments and the result are converted to the declared types; NULL is None; STRICT calls nothing for a NULL."""
    account.procedure("HALF(N FLOAT)", "def run(s, n):\n    return None if n is None else n / 2", "NUMBER(10,1)")
    assert str(account.one("CALL HALF('3')")) == "1.5"
    assert account.one("CALL HALF(NULL)") is None
    account.function("LEN(S VARCHAR)", "INT", "def f(s):\n    return len(s)", options="STRICT")
    assert account("SELECT LEN('ab'), LEN(NULL)") == [(2, None)]


def test_p4_rows(account: Account) -> None:
    """A procedure that RETURNS TABLE gives its DataFrame's rows, under the declared names."""
    account.procedure("ROWS_OF()", "def run(s):\n    return s.table('T').sort('A')", "TABLE (X INT, Y INT)")
    assert account("CALL ROWS_OF()") == [(1, 1), (2, 1), (3, 2)]


def test_p5_errors(account: Account) -> None:
    """An exception of a handler is error 100357 with the traceback, the procedure and the handler."""
    account.procedure("FAILS()", "def run(s):\n    raise ValueError('why')")
    error = account.refusal("CALL FAILS()")
    assert error.errno == 100357
    assert "ValueError: why" in str(error.msg)
    assert "in function FAILS with handler run" in str(error.msg)


def test_p6_a_transaction_left_open(account: Account) -> None:
    """A transaction that a procedure begins and leaves open is rolled back, and the CALL fails with 090232."""
    account("CREATE OR REPLACE TABLE W (I INT)")
    account.procedure("OPENS()", "def run(s):\n    for q in ('BEGIN', 'INSERT INTO W VALUES (1)'): s.sql(q).collect()")
    assert account.refusal("CALL OPENS()").errno == 90232
    assert account("SELECT * FROM W") == []


def test_p7_the_callers_transaction(account: Account) -> None:
    """A procedure cannot end its caller's transaction."""
    account("CREATE OR REPLACE TABLE W (I INT)")
    account.procedure("COMMITS()", "def run(s):\n    s.sql('COMMIT').collect()")
    account("BEGIN")
    account("INSERT INTO W VALUES (1)")
    assert "different scope" in str(account.refusal("CALL COMMITS()").msg)
    account("ROLLBACK")
    assert account("SELECT * FROM W") == []


@refused("DuckDB has one transaction a connection: a second one could not see the temporary tables of the caller's")
def test_p8_autonomous_transactions(account: Account) -> None:
    """A transaction that a procedure begins inside its caller's is one of its own."""
    account.procedure("BEGINS()", "def run(s):\n    s.sql('BEGIN').collect()")
    account("BEGIN")
    account("INSERT INTO T VALUES (9, 9)")
    assert "autonomous transaction" in str(account.refusal("CALL BEGINS()").msg)
    account("ROLLBACK")


def test_p9_rights(account: Account) -> None:
    """AS OWNER works in the procedure's own schema without the caller's variables; AS CALLER in the caller's."""
    account("CREATE OR REPLACE SCHEMA ELSEWHERE")
    account("USE SCHEMA PUBLIC")
    account("SET V = 'mine'")
    body = "def run(s):\n    return s.sql('SELECT CURRENT_SCHEMA()').collect()[0][0]"
    variable = "def run(s):\n    return s.sql('SELECT $V').collect()[0][0]"
    for who in ("OWNER", "CALLER"):
        account.procedure(f"ELSEWHERE.AT_{who}()", body, options=f"EXECUTE AS {who}")
        account.procedure(f"ELSEWHERE.V_{who}()", variable, options=f"EXECUTE AS {who}")
    assert [account.one(f"CALL ELSEWHERE.AT_{w}()") for w in ("OWNER", "CALLER")] == ["ELSEWHERE", "PUBLIC"]
    assert account.one("CALL ELSEWHERE.V_CALLER()") == "mine"
    assert "$V" in str(account.refusal("CALL ELSEWHERE.V_OWNER()").msg)


def test_p10_anonymous_procedures(account: Account) -> None:
    """WITH … AS PROCEDURE … CALL runs a procedure that is not kept."""
    packages = "PACKAGES = ('snowflake-snowpark-python')"
    body = "def run(s, n):\n    return n + 1"
    head = f"WITH ONCE AS PROCEDURE (N INT) RETURNS INT {PYTHON} {packages} HANDLER = 'run' AS $$\n{body}\n$$"
    assert account.one(f"{head} CALL ONCE(41)") == 42
    assert account.refusal("CALL ONCE(1)").errno == 2140


@deviates(
    "the packages of the server's environment are available, and every RUNTIME_VERSION runs on the server's Python"
)
def test_p11_packages(account: Account) -> None:
    """PACKAGES that are not available in the wanted version are refused; INFORMATION_SCHEMA.PACKAGES lists them."""
    sql = f"CREATE FUNCTION P() RETURNS INT {PYTHON} HANDLER = 'f' PACKAGES = ('pandas==0.0.1') AS 'def f(): 1'"
    assert "Please check your packages specification and try again." in str(account.refusal(sql).msg)
    assert account.one("SELECT COUNT(*) > 0 FROM INFORMATION_SCHEMA.PACKAGES WHERE PACKAGE_NAME = 'pandas'")


@refused("only Python and SQL run; Java, Scala and JavaScript do not")
def test_p12_languages(account: Account) -> None:
    """Procedures and functions in other languages."""
    for language in ("JAVASCRIPT", "JAVA", "SCALA"):
        assert account.refusal(f"CREATE PROCEDURE L() RETURNS FLOAT LANGUAGE {language} AS 'x'").errno == 2


def test_p13_scalar_functions(account: Account) -> None:
    """A function is called once a row, wherever an expression may stand; a failing row fails the statement."""
    account.function("INVERSE(A INT)", "FLOAT", "def f(a):\n    return 1 / (a - 2)")
    assert account("SELECT INVERSE(A) AS I FROM T WHERE A <> 2 ORDER BY I") == [(-1.0,), (1.0,)]
    assert account("SELECT L.A FROM T L JOIN T R ON INVERSE(L.A + 2) = R.A") == [(1,)]
    assert account.refusal("SELECT INVERSE(A) FROM T").errno == 100357


def test_p14_vectorized_functions(account: Account) -> None:
    """A vectorized function gets frames of at most max_batch_size rows, their columns numbered."""
    body = "import pandas\nfrom _snowflake import vectorized\n\n"
    body += "@vectorized(input=pandas.DataFrame, max_batch_size=2)\ndef f(df):\n    return df[0] * 0 + len(df)"
    account.function("BATCH(A INT)", "INT", body, options="PACKAGES = ('pandas')")
    assert max(r[0] for r in account("SELECT BATCH(A) FROM T")) <= 2


def test_p15_table_functions(account: Account) -> None:
    """What process returns comes with its input row, what end_partition returns with the partition's columns only."""
    body = "class f:\n    def __init__(self):\n        self.n = 0\n    def process(self, a):\n        self.n += a\n"
    body += "        yield (self.n,)\n    def end_partition(self):\n        yield (-self.n,)"
    account.function("RUNNING(A INT)", "TABLE (S INT)", body)
    found = account("SELECT K, A, S FROM T, TABLE(RUNNING(A) OVER (PARTITION BY K ORDER BY A))")
    assert sorted(found, key=repr) == [(1, 1, 1), (1, 2, 3), (1, None, -3), (2, 3, 3), (2, None, -3)]
    assert account("SELECT S FROM TABLE(RUNNING(4)) ORDER BY S") == [(-4,), (4,)]


def test_p16_aggregate_and_sql_functions(account: Account) -> None:
    """Aggregates accumulate a group's rows; SQL functions stand for their expression, query or rows."""
    body = "class f:\n    def __init__(self):\n        self.p = 1\n    @property\n    def aggregate_state(self):\n"
    body += "        return self.p\n    def accumulate(self, a):\n        self.p *= a\n    def merge(self, other):\n"
    body += "        self.p *= other\n    def finish(self):\n        return self.p"
    account.function("PRODUCT(A INT)", "INT", body, kind="AGGREGATE FUNCTION")
    assert account("SELECT K, PRODUCT(A) FROM T GROUP BY K ORDER BY K") == [(1, 2), (2, 3)]
    account("CREATE OR REPLACE FUNCTION SQUARED(X FLOAT) RETURNS FLOAT AS 'X * X'")
    account("CREATE OR REPLACE FUNCTION TOTAL(W INT) RETURNS INT AS 'SELECT SUM(A) FROM T WHERE K = W'")
    account("CREATE OR REPLACE FUNCTION OF_K(W INT) RETURNS TABLE (A INT) AS 'SELECT A FROM T WHERE K = W'")
    assert account("SELECT SQUARED(A), TOTAL(K) FROM T WHERE A = 2") == [(4.0, 3)]
    assert account("SELECT A FROM TABLE(OF_K(1)) ORDER BY A") == [(1,), (2,)]
