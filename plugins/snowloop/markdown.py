"""Text of data, declarations and errors where others read it: shown as it is, and read as nothing else.

Reports, comments, run notes and forms are GitHub's Markdown; messages of alerts go to chats and mailboxes, each with a
language of its own. A name in the data must not mention a person, link, or forge a table there.
"""

import re
from typing import Any

from markupsafe import Markup

INVISIBLE = "\u200b"
"""A space without width: it separates what would be read as one thing."""
SPECIAL = re.compile(r"([\\`*\[\]|~#]|(?<![^\W_])_|_(?![^\W_]))")
"""Characters with a meaning in Markdown; an underscore between two letters has none."""
LINKS = re.compile(r"(?<=@)(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=mailto)(?=:)|(?<=GH)(?=-\d)", re.IGNORECASE)
"""Where an invisible space keeps GitHub, and a chat, from making a mention or a link of a text."""
BEGINNINGS = re.compile(r"^( ?\d{1,9})(?=[.)](\s|$))|^( ?)(?=\+(\s|$)|-\s+\S|---+$|==+$)")
"""What makes a list, a line or a heading of the text behind or above it, at the beginning of a line."""
BLANKS = re.compile(r"\s+")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that move or change what a terminal or a page shows, white space aside."""


def visible(text: str) -> str:
    """A text whose control characters are written as codes, as Python writes them; line ends and tabs stay."""
    return CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escaped(value: Any) -> Markup:
    """A value as text of one line in Markdown, of a table as well.

    Args:
        value: Whatever has a text; ``Markup`` is Markdown already, and stays as it is.

    Returns:
        The Markdown, in which HTML is escaped too.
    """
    if isinstance(value, Markup):
        return value
    line = BLANKS.sub(" ", visible(str(value)))
    text = BEGINNINGS.sub(r"\g<0>\\", SPECIAL.sub(r"\\\1", LINKS.sub(INVISIBLE, line)))
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704 - escaped here


def fence(text: str) -> Markup:
    """The backticks around a block of text: more than there are in a row in it."""
    longest = max((len(each) for each in re.findall(r"`+", text)), default=0)
    return Markup("`" * max(3, longest + 1))  # noqa: S704 - backticks


def code_block(text: str) -> Markup:
    """A text of several lines as a block of code in Markdown."""
    around = fence(text)
    return Markup(f"{around}text\n{visible(text)}\n{around}")  # noqa: S704 - nothing in a block of code is read


def code(text: str) -> Markup:
    """A text of one line, such as a command, as code in Markdown."""
    line = BLANKS.sub(" ", visible(text)).replace("`", "'")
    return Markup(f"`{line}`")  # noqa: S704 - nothing in code is read


def message_line(value: Any) -> str:
    """A value as one line of a message to a chat or a mailbox, whose language is not known.

    Slack reads ``<!channel>``, ``<@U1>``, ``<https://…|text>`` and links (https://docs.slack.dev/messaging/formatting-message-text),
    a mailbox may read HTML, and the subject of a mail ends with its line: an invisible space, which all of them show as
    nothing, separates what they would read.

    Returns:
        The line; backticks are made quotes.
    """
    text = BLANKS.sub(" ", visible(str(value))).replace("`", "'").replace("<", f"<{INVISIBLE}")
    return LINKS.sub(INVISIBLE, text)
