"""The runner of the official suites: reports, sums, copies of checkouts; the suites themselves are not run here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.official_suites.outcome import Outcome, first_line, frequent, read_report, table
from tests.official_suites.suites import ML, SNOWPARK, Suite, copy_suite, environment

REPORT = """<testsuites><testsuite>
<testcase name="a"/>
<testcase name="b">
<failure message="002003 (02000): 0a49f3ec-308a-45ad-9638-22f208e6850a Table SNOWPARK_TEMP_T1"/></testcase>
<testcase name="c">
<failure message="002003 (02000): 1b49f3ec-308a-45ad-9638-22f208e6850b Table SNOWPARK_TEMP_T2"/></testcase>
<testcase name="d"><error message="failed on setup"/></testcase>
<testcase name="e"><skipped message="no"/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_summed_up(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    found = read_report("test_x.py", report)
    assert (found.passed, found.failed, found.skipped, found.percent) == (1, 3, 1, "25")
    assert found.errors.most_common(1) == [("002003 (02000): … Table …", 2)]


def test_a_module_without_a_report_says_so(tmp_path: Path) -> None:
    assert "no report" in read_report("test_x.py", tmp_path / "none.xml").note


def test_the_table_ends_with_the_sum() -> None:
    outcomes = [Outcome("a.py", 3, 1, 2), Outcome("b.py", 1, 3, 0), Outcome("c.py", note="stopped")]
    lines = table(outcomes).splitlines()
    assert lines[2] == "| a.py | 3 | 1 | 2 | 75 |"
    assert lines[4:] == ["| c.py (stopped) | 0 | 0 | 0 | - |", "| **sum** | 4 | 4 | 2 | 50 |"]


def test_the_most_frequent_failures_come_first() -> None:
    first, second = Outcome("a.py"), Outcome("b.py")
    first.errors.update({"x": 1, "y": 2})
    second.errors.update({"x": 4})
    assert frequent([first, second], 1).split() == ["5", "x"]
    assert len(first_line("long " * 99)) <= 150


def test_a_checkout_is_copied_and_left_alone(tmp_path: Path) -> None:
    suite = Suite("x", "tests/integ", ("test_a.py",))
    checkout, work = tmp_path / "checkout", tmp_path / "work"
    (checkout / "tests" / "integ").mkdir(parents=True)
    (checkout / "src").mkdir()
    work.mkdir()
    connection = {"account": "local", "port": 1234, "session_parameters": {}}
    copy_suite(suite, checkout, work, connection)
    assert (work / "tests" / "parameters.py").read_text() == f"CONNECTION_PARAMETERS = {connection!r}\n"
    assert not (work / "src").exists()
    assert not (checkout / "tests" / "parameters.py").exists()
    variables = environment(work, tmp_path / "packages", connection)
    assert (variables["SNOWFLAKE_ACCOUNT"], variables["SNOWFLAKE_PORT"]) == ("local", "1234")
    assert variables["PYTHONPATH"].split(os.pathsep) == [str(work), str(tmp_path / "packages")]


@pytest.mark.parametrize("suite", [SNOWPARK, ML])
def test_what_is_no_checkout_is_refused(suite: Suite, tmp_path: Path) -> None:
    assert len(set(suite.modules)) == len(suite.modules)
    with pytest.raises(FileNotFoundError, match=f"no checkout of the {suite.name} library"):
        copy_suite(suite, tmp_path, tmp_path / "work", {})
