"""How outputs in the documentation are compared with those of a run: a page that is not true is found."""

import pytest

from tests.support.transcript import Shown, not_as_shown, shown

PAGE = """
## The path

```console
$ one --a
begins V…
ends
$ two
first
…
last
```

## Another

```console
$ three
```
"""
RAN = [Shown("one --a", "begins V12\nends\n"), Shown("one --a", "other"), Shown("two", "first\n1\n2\nlast\n")]


def test_a_page_is_read_by_heading_command_and_output():
    assert [each.command for each in shown(PAGE, "## The path")] == ["one --a", "two"]
    with pytest.raises(AssertionError, match="no heading ## None"):
        list(shown(PAGE, "## None"))


def test_what_was_printed_is_found_in_order():
    page = list(shown(PAGE, "## The path"))
    assert not_as_shown(RAN, page) == []
    assert len(not_as_shown(RAN[::-1], page)) == 1


@pytest.mark.parametrize(
    ("old", "new"), [("ends", "end"), ("last", "least"), ("$ two", "$ deux"), ("begins V", "begins W")]
)
def test_what_was_not_printed_is_named(old: str, new: str):
    (wrong,) = not_as_shown(RAN, list(shown(PAGE.replace(old, new), "## The path")))
    assert wrong.startswith("$ ")
    assert "was:\n" in wrong
