"""The text of a block -> its tree.

Source: https://docs.snowflake.com/en/sql-reference-snowflake-scripting
"""

from collections.abc import Callable, Iterator

from local_snowflake.errors import not_supported
from local_snowflake.routines.definition import read_type, split_commas
from local_snowflake.scripting import tree
from local_snowflake.scripting.tree import Steps
from local_snowflake.sql.statement import Reader, tokenize

_TRANSACTION = {"", ";", "TRANSACTION", "WORK", "NAME"}
_BLOCK_ENDS = ("END", "EXCEPTION")
_ASYNCHRONOUS = {"ASYNC", "AWAIT", "CANCEL"}
_USER_EXCEPTION = -20000


def read_block(sql: str) -> tree.Block:
    """Read a whole block: ``[DECLARE …] BEGIN … END``.

    Raises:
        SnowflakeError: 001003 where it does not parse; 000002 for a part that the local Snowflake does not have.
    """
    reader = BlockReader(sql)
    block = reader.block()
    reader.accept(";")
    reader.finish()
    return block


def read_query(text: str, at: int) -> tree.Sql | tree.Immediate:
    """Read the value of a RESULTSET or a cursor: a query or EXECUTE IMMEDIATE, in brackets or not.

    Its statement starts ``at`` a position in the block's text.
    """
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    words = [t.text.upper() for t in tokenize(text)[:2]]
    if words[:1] == ["ASYNC"]:
        raise not_supported("ASYNC in Snowflake Scripting: asynchronous child jobs")
    return BlockReader(text).immediate(at) if words == ["EXECUTE", "IMMEDIATE"] else tree.Sql(at, text)


def is_block(sql: str) -> bool:
    """Whether a text is a block, and not the beginning of a transaction or another statement."""
    words = [t.text.upper() for t in tokenize(sql)[:2]]
    return bool(words) and (
        words[0] == "DECLARE" or (words[0] == "BEGIN" and len(words) > 1 and words[1] not in _TRANSACTION)
    )


class BlockReader(Reader):
    """Reads a block statement by statement; the methods of most begin behind the statement's first word."""

    def __init__(self, sql: str) -> None:
        super().__init__(sql, tokenize(sql))
        self._steps: dict[str, Callable[[int], tree.Step]] = {
            "LET": self.declaration,
            "IF": self._if,
            "CASE": self._case,
            "FOR": self._for,
            "WHILE": self._while,
            "REPEAT": self._repeat,
            "LOOP": self._loop,
            "RETURN": self._return,
            "RAISE": lambda at: tree.Raise(at, None if self.peek() == ";" else self.identifier()),
            **dict.fromkeys(("OPEN", "FETCH", "CLOSE"), self._cursor),
            "NULL": lambda at: tree.Branch(at, ()),
            **dict.fromkeys(("BREAK", "EXIT"), lambda at: tree.Jump(at, leave=True, label=self._label())),
            **dict.fromkeys(("CONTINUE", "ITERATE"), lambda at: tree.Jump(at, leave=False, label=self._label())),
        }

    # -- blocks -------------------------------------------------------------------------------------------------------

    def block(self) -> tree.Block:
        """Read ``[DECLARE …] BEGIN … [EXCEPTION …] END``, without the semicolon behind it."""
        at = self.position
        declarations: list[tree.Step] = []
        if self.accept("DECLARE"):
            while self.peek() != "BEGIN":
                declarations.append(self.declaration(self.position))
                self.expect(";")
        self.expect("BEGIN")
        body = self._body(*_BLOCK_ENDS)
        handlers = self._handlers() if self.accept("EXCEPTION") else ()
        self.expect("END")
        return tree.Block(at, tuple(declarations), body, handlers)

    def _handlers(self) -> tuple[tree.Handler, ...]:
        handlers = []
        while self.accept("WHEN"):
            names = [self.identifier()]
            while self.accept("OR"):
                names.append(self.identifier())
            if self.peek() == "CONTINUE":
                raise not_supported("EXCEPTION WHEN … CONTINUE THEN: a handler after which the block continues")
            self.accept("EXIT")
            self.expect("THEN")
            handlers.append(tree.Handler(tuple(names), self._body("WHEN", "END")))
        return tuple(handlers)

    def _body(self, *ends: str) -> Steps:
        steps = []
        while self.peek() not in ends:
            steps.append(self._step())
            self.expect(";")
        return tuple(steps)

    def _step(self) -> tree.Step:
        at, word = self.position, self.peek()
        if word == "DECLARE" or (word == "BEGIN" and self.peek(1) not in _TRANSACTION):
            return self.block()
        if self.peek(1) == ":=":
            name = self.identifier()
            self.next()
            return tree.Assign(at, name, self.until())
        if word == "EXECUTE" and self.peek(1) == "IMMEDIATE":
            return self.immediate(at)
        if word in _ASYNCHRONOUS:
            raise not_supported(f"{word} in Snowflake Scripting: asynchronous child jobs")
        if word in self._steps:
            self.next()
            return self._steps[word](at)
        return self._statement(at)

    # -- branches and loops -------------------------------------------------------------------------------------------

    def _if(self, at: int) -> tree.Step:
        branches = (self._branch("ELSEIF"), *self._branches("ELSEIF"))
        self.expect("END")
        self.expect("IF")
        return tree.Branch(at, branches)

    def _branch(self, word: str) -> tuple[str | None, Steps]:
        condition = self.until("THEN")
        self.expect("THEN")
        return condition, self._body(word, "ELSE", "END")

    def _branches(self, word: str) -> Iterator[tuple[str | None, Steps]]:
        """Read ``word condition THEN …`` as often as it comes, and ELSE."""
        while self.accept(word):
            yield self._branch(word)
        if self.accept("ELSE"):
            yield None, self._body("END")

    def _case(self, at: int) -> tree.Step:
        subject = self.until("WHEN") if self.peek() != "WHEN" else None
        branches = tuple(self._branches("WHEN"))
        self.expect("END")
        self.accept("CASE")
        return tree.Branch(at, branches, subject)

    def _for(self, at: int) -> tree.Step:
        name = self.identifier()
        self.expect("IN")
        reverse = self.accept("REVERSE")
        first = self.until("TO", "DO", "LOOP")
        if self.accept("TO"):
            last = self.until("DO", "LOOP")
            body, label = self._loop_body("FOR")
            return tree.CountingLoop(at, body, label, name, first, last, reverse)
        body, label = self._loop_body("FOR")
        return tree.RowLoop(at, body, label, name, first)

    def _loop_body(self, kind: str) -> tuple[Steps, str | None]:
        if not (self.accept("DO") or self.accept("LOOP")):
            raise self.unexpected("DO")
        body = self._body("END")
        self.expect("END")
        if not self.accept("LOOP"):
            self.expect(kind)
        return body, self._label()

    def _label(self) -> str | None:
        return None if self.done or self.peek() == ";" else self.identifier()

    def _while(self, at: int) -> tree.Step:
        condition = self.until("DO", "LOOP")
        body, label = self._loop_body("WHILE")
        return tree.Loop(at, body, label, condition=condition)

    def _repeat(self, at: int) -> tree.Step:
        body = self._body("UNTIL")
        self.expect("UNTIL")
        until = self.until("END")
        self.expect("END")
        self.expect("REPEAT")
        return tree.Loop(at, body, self._label(), until=until)

    def _loop(self, at: int) -> tree.Step:
        body = self._body("END")
        self.expect("END")
        self.expect("LOOP")
        return tree.Loop(at, body, self._label())

    # -- declarations and variables -----------------------------------------------------------------------------------

    def declaration(self, at: int) -> tree.Step:
        """A name and what it is, in DECLARE or behind LET: a variable, a cursor, a RESULTSET or an exception."""
        name = self.identifier()
        if self.accept("CURSOR"):
            self.expect("FOR")
            return tree.DeclareCursor(at, name, self.until())
        if self.accept("RESULTSET"):
            return tree.DeclareResultSet(at, name, self.until() if self._assigns() else None)
        if self.accept("EXCEPTION"):
            number, text = _USER_EXCEPTION, ""
            if self.accept("("):
                number = int(self.value())
                self.expect(",")
                text = self.string()
                self.expect(")")
            return tree.DeclareException(at, name, number, text)
        if self.peek() == "PROCEDURE":
            raise not_supported("a procedure that is nested in a block")
        start = self.position
        while not self.done and self.peek() not in {"DEFAULT", ":=", ";"}:
            self.next()
        kind = self.sql[start : self.position].strip()
        value = self.until() if self._assigns() else None
        return tree.Declare(at, name, read_type(kind) if kind else None, value)

    def _assigns(self) -> bool:
        return self.accept("DEFAULT") or self.accept(":=")

    # -- the other statements -----------------------------------------------------------------------------------------

    def _return(self, at: int) -> tree.Step:
        if self.peek() == "TABLE" and self.peek(1) == "(":
            self.next()
            return tree.Return(at, self.parenthesised().strip(), table=True)
        return tree.Return(at, None if self.peek() == ";" else self.until())

    def _cursor(self, at: int) -> tree.Step:
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
        targets: list[str] = []
        while not targets or self.accept(","):
            self.accept(":")
            targets.append(self.identifier())
        return targets

    def immediate(self, at: int) -> tree.Immediate:
        """EXECUTE IMMEDIATE, from its first word on."""
        self.expect("EXECUTE", "IMMEDIATE")
        if self.peek() == "FROM":
            raise not_supported("EXECUTE IMMEDIATE FROM a file")
        text = self.until("USING", "INTO")
        into: list[str] = []
        using: list[str] = []
        while word := self.accept_any("USING", "INTO"):
            into = self._targets() if word == "INTO" else into
            using = self._listed() if word == "USING" else using
        return tree.Immediate(at, text, tuple(using), tuple(into))

    def _statement(self, at: int) -> tree.Sql:
        """A statement of SQL; INTO behind a query or a CALL names variables."""
        takes_into = self.peek() in {"SELECT", "WITH", "CALL", "("}
        text = self.until("INTO") if takes_into else self.until()
        if not self.accept("INTO"):
            return tree.Sql(at, text)
        targets = self._targets()
        more = "" if self.peek() == ";" else self.until()
        return tree.Sql(at, f"{text} {more}", tuple(targets))
