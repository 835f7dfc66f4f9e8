"""Poisoned names and texts, and what a reader of Markdown makes of a page."""

import random
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

POISONS = (
    "@ada @org/team ada@example.org",
    "https://evil.test http://evil.test www.evil.test mailto:a@evil.test HTTPS://EVIL.test",
    "<https://evil.test> <!channel> <@U123> <#C1> <!here|here> <http://evil.test|click>",
    "[click](https://evil.test) ![x](https://evil.test/x.png) [a]: https://evil.test",
    "<script>alert(1)</script><img src=x onerror=alert(1)><a href='https://evil.test'>x</a>",
    "a|b||c\\|d",
    "`code` ```\nfence\n``` ~~~\n",
    "line\nbreak\r\n\n# heading\n- item\n> quote\n\n    code\n---\n| a | b |\n| - | - |\n",
    "*bold* **bold** _it_ __it__ ~~gone~~ # GH-12 #12",
    "</details><details open></summary>&lt;b&gt;&amp;&#64;ada",
    "\x1b[31mred\x1b[0m\x07\x08\x00 \u202etxt.exe\u2066",
    "{{ 7 * 7 }} {% raw %} ${7*7} {0.__class__} %s %(x)s",
    "'; DROP TABLE T; -- \" $(id) `id` ; rm -rf / & | && $HOME",
    "$x^2$ $\\frac{1$ \\",
    "a" * 300,
    "- item",
    "12. item",
    "-----",
    "====",
    "\u200b@ada :\u200b//",
    "",
    " ",
)
"""Texts that somebody may put into a column's name, a category, a message of an error or a reason."""


def random_text(chance: random.Random) -> str:
    """Pieces of the poisoned texts in a random order."""
    pieces = re.findall(r"\w+|\W", " ".join(POISONS[:12]))
    return "".join(chance.choice(pieces) for _ in range(chance.randint(1, 40)))


def poisoned(value: Any, text: str, kept: frozenset[str]) -> Any:
    """A copy of a value in which each text is the poisoned one, those of the fields and keys in ``kept`` aside."""
    if isinstance(value, str):
        return text
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: poisoned(getattr(value, field.name), text, kept)
            for field in fields(value)
            if field.init and field.name not in kept
        }
        return replace(value, **changed)
    if isinstance(value, dict):
        return {name: each if name in kept else poisoned(each, text, kept) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(poisoned(each, text, kept) for each in value)
    return value


def tokens(text: str) -> Iterator[Token]:
    """The parts of a Markdown text, as a reader of CommonMark with tables finds them."""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


def check_markdown(text: str, links: frozenset[str] = frozenset(), html: tuple[str, ...] = ()) -> None:
    """Insist that a Markdown text links, mentions, colours and forges nothing.

    Args:
        links: Addresses that Snowloop itself puts in.
        html: What Snowloop itself has of HTML.
    """
    for token in tokens(text):
        if token.type in ("html_inline", "html_block"):
            assert token.content.strip().startswith(html or ("nothing",)), token.content
        if token.type == "link_open":
            assert token.attrs["href"] in links, token.attrs
        assert token.type not in ("image", "s_open"), token
        if token.type == "text":
            assert not re.search(r"@\w|://|www\.\w|mailto:\w|GH-\d", token.content, re.IGNORECASE), token.content
        assert "\x1b" not in token.content
        assert "\u202e" not in token.content
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in table.splitlines()}) == 1, table
