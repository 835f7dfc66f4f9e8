"""How a block's statements end before their end: by a fault, by RETURN, by BREAK and CONTINUE."""

from dataclasses import dataclass

from local_snowflake.errors import SnowflakeError
from local_snowflake.execution.results import Result

STATEMENT, EXPRESSION = "STATEMENT_ERROR", "EXPRESSION_ERROR"
# the number and the SQL state of a statement's error are its own; an exception's are those it was declared with
_RAISED = "P0001"


@dataclass(eq=False)
class ScriptError(Exception):
    """An exception of Snowflake Scripting: STATEMENT_ERROR, EXPRESSION_ERROR or a declared one, by its name.

    The statement that raised it starts ``at`` a position in the block's text.

    Source: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/exceptions
    """

    kind: str
    code: int
    message: str
    at: int
    sqlstate: str = _RAISED

    def uncaught(self, text: str) -> SnowflakeError:
        """The error with which a block ends whose text is ``text``."""
        line = text.count("\n", 0, self.at) + 1
        position = self.at - (text.rfind("\n", 0, self.at) + 1)
        head = f"Uncaught exception of type '{self.kind}' on line {line} at position {position} : "
        return SnowflakeError(self.code, self.sqlstate, head + self.message)


def fault(kind: str, error: SnowflakeError, at: int) -> ScriptError:
    """The fault that an error of a statement or an expression is."""
    return ScriptError(kind, error.code, error.message, at, error.sqlstate)


@dataclass(eq=False)
class Returned(Exception):  # noqa: N818 - it is no error
    """RETURN: carries the block's result."""

    result: Result


@dataclass(eq=False)
class Jumped(Exception):  # noqa: N818 - it is no error
    """BREAK (``leave``) or CONTINUE, on its way to the loop of its label, or to the innermost."""

    label: str | None
    leave: bool
