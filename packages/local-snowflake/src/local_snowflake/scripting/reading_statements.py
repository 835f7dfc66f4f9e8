"""The statements of a block that hold no others: declarations, SQL, cursors, RETURN.

Source: https://docs.snowflake.com/en/sql-reference-snowflake-scripting
"""

from sqlglot.tokens import TokenType

from local_snowflake.errors import not_supported
from local_snowflake.routines.definition import read_type, split_commas
from local_snowflake.scripting import tree
from local_snowflake.sql.statement import Reader, tokenize

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_USER_EXCEPTION = -20000


class StatementReader(Reader):
    """Reads the statements of a block that hold no others; each method begins behind the statement's first word."""

    def __init__(self, sql: str) -> None:
        super().__init__(sql, tokenize(sql))

    # -- declarations and variables -----------------------------------------------------------------------------------

    def declaration(self, at: int) -> tree.Step:
        """A name and what it is, in DECLARE or behind LET: a variable, a cursor, a RESULTSET or an exception."""
        name = self.identifier()
        if self.accept("CURSOR"):
            self.expect("FOR")
            return tree.DeclareCursor(at, name, self.text())
        if self.accept("RESULTSET"):
            return tree.DeclareResultSet(at, name, self.text() if self._assigns() else None)
        if self.accept("EXCEPTION"):
            return self._exception(at, name)
        if self.peek() == "PROCEDURE":
            raise not_supported("a procedure that is nested in a block")
        start = self.position
        while not self.done and self.peek() not in {"DEFAULT", ":=", ";"}:
            self.next()
        kind = self.sql[start : self.position].strip()
        value = self.text() if self._assigns() else None
        return tree.Declare(at, name, read_type(kind) if kind else None, value)

    def _assigns(self) -> bool:
        return self.accept("DEFAULT") or self.accept(":=")

    def _exception(self, at: int, name: str) -> tree.Step:
        if self.peek() != "(":
            return tree.DeclareException(at, name, _USER_EXCEPTION, "")
        self.next()
        number = int(self.value())
        self.expect(",")
        text = self.string()
        self.expect(")")
        return tree.DeclareException(at, name, number, text)

    # -- the other statements -----------------------------------------------------------------------------------------

    def nothing(self, at: int) -> tree.Step:
        """NULL: a statement that does nothing."""
        self.next()
        return tree.Branch(at, ())

    def return_(self, at: int) -> tree.Step:
        """RETURN."""
        if self.peek() == "TABLE" and self.peek(1) == "(":
            self.next()
            return tree.Return(at, self.parenthesised().strip(), table=True)
        return tree.Return(at, None if self.peek() == ";" else self.text())

    def raise_(self, at: int) -> tree.Step:
        """RAISE."""
        return tree.Raise(at, None if self.peek() == ";" else self.identifier())

    def cursor(self, at: int) -> tree.Step:
        """OPEN, FETCH or CLOSE."""
        verb = self.tokens[self.at - 1].text.upper()
        name = self.identifier()
        if verb == "OPEN" and self.accept("USING"):
            return tree.Cursor(at, verb, name, tuple(self._listed()))
        if verb == "FETCH":
            self.expect("INTO")
            return tree.Cursor(at, verb, name, tuple(self._targets()))
        return tree.Cursor(at, verb, name)

    def _listed(self) -> list[str]:
        return [text.strip() for _, text in split_commas(self.parenthesised())]

    def _targets(self) -> list[str]:
        targets = []
        while True:
            self.accept(":")
            targets.append(self.identifier())
            if not self.accept(","):
                return targets

    def immediate(self, at: int) -> tree.Immediate:
        """EXECUTE IMMEDIATE, from its first word on."""
        self.expect("EXECUTE", "IMMEDIATE")
        if self.peek() == "FROM":
            raise not_supported("EXECUTE IMMEDIATE FROM a file")
        text = self.text("USING", "INTO")
        into: list[str] = []
        using: list[str] = []
        while self.peek() in {"USING", "INTO"}:
            if self.accept("INTO"):
                into = self._targets()
            else:
                self.expect("USING")
                using = self._listed()
        return tree.Immediate(at, text, tuple(using), tuple(into))

    def statement(self, at: int) -> tree.Sql:
        """A statement of SQL; INTO behind a query or a CALL names variables."""
        takes_into = self.peek() in {"SELECT", "WITH", "CALL", "("}
        text = self.text("INTO") if takes_into else self.text()
        if not self.accept("INTO"):
            return tree.Sql(at, text)
        targets = self._targets()
        more = "" if self.peek() == ";" else self.text()
        return tree.Sql(at, f"{text} {more}", tuple(targets))

    def text(self, *ends: str) -> str:
        """The text up to the statement's end, or to a word outside of brackets and of CASE."""
        start, depth, cases = self.position, 0, 0
        while not self.done:
            token = self.tokens[self.at]
            word = self.peek()
            if depth == 0 and (word == ";" or (cases == 0 and word in ends)):
                break
            depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
            if token.token_type == TokenType.CASE:
                cases += 1
            elif cases and token.token_type == TokenType.END:
                cases -= 1
            self.next()
        text = self.sql[start : self.position].strip()
        if not text:
            raise self.unexpected("an expression")
        return text
