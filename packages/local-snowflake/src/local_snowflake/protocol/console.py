"""The console: one page that shows what is in the account, and what ran.

The page is a client of the SQL API; only the statements as DuckDB ran them come from a route of their own.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from local_snowflake.execution.query_history import QueryHistory, QueryRecord
from local_snowflake.protocol.connection import CONSOLE
from local_snowflake.protocol.requests import Endpoint

_LATEST = 300
_PAGE = files(__package__).joinpath("console.html").read_text("utf-8")


def _hash(element: str) -> str:
    """The hash of what stands in the page's one element of a name, as a Content-Security-Policy has it."""
    content = _PAGE.partition(f"<{element}>")[2].partition(f"</{element}>")[0]
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


# the page runs its own script and style, and reaches this server only
_POLICY = (
    f"default-src 'none'; script-src {_hash('script')}; style-src {_hash('style')}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Console:
    """The console of one account.

    Args:
        history: The statements that ran lately.
        signed_in: Makes of an endpoint one for those who have the account's token.
    """

    def __init__(self, history: QueryHistory, signed_in: Callable[[Endpoint], Endpoint]) -> None:
        self._history = history
        self._signed_in = signed_in

    def routes(self) -> list[Route]:
        """The page, which holds nothing of the account, and what it asks for."""
        return [
            Route(CONSOLE, self.page, methods=["GET"]),
            Route(f"{CONSOLE}/queries", self._signed_in(self.queries), methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page."""
        return HTMLResponse(_PAGE, headers=_HEADERS)

    async def queries(self, request: Request) -> Response:
        """The latest statements, the last one first, each with its text as DuckDB ran it."""
        latest = [_described(record) for record in self._history.latest(_LATEST)]
        return JSONResponse({"queries": latest}, headers={"Cache-Control": "no-store"})


def _described(record: QueryRecord) -> dict[str, object]:
    return {
        "query_id": record.query_id,
        "text": record.text,
        "query_tag": record.query_tag,
        "user": record.user,
        "started": record.started.timestamp(),
        "seconds": (record.ended - record.started).total_seconds() if record.ended else None,
        "status": record.status,
        "rows": record.rows,
        "error": record.error_message,
        "translated": list(record.translated),
    }
