"""The HTTPS routes of Snowflake's client protocol."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import duckdb
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError, canceled, internal_error, log_failure, not_supported
from local_snowflake.execution.encoding import encode
from local_snowflake.execution.results import Result, several
from local_snowflake.protocol.console import Console
from local_snowflake.protocol.pending import PendingStatement, PendingStatements
from local_snowflake.protocol.requests import Endpoint, answering, body_of, login_of, statement_of
from local_snowflake.protocol.responses import (
    IN_PROGRESS_ASYNC,
    failed,
    gone,
    in_progress,
    refused,
    render,
    respond,
    succeeded,
)
from local_snowflake.protocol.slow_clients import WrongPasswords
from local_snowflake.protocol.sql_api import SqlApi
from local_snowflake.scripting.splitting import COUNT, bindings_of, counted_statements, failed_statement
from local_snowflake.sessions.parameters import DEFAULT_PARAMETERS, is_known, read_parameter, set_parameter
from local_snowflake.sessions.session import Session
from local_snowflake.sessions.token import SessionToken
from local_snowflake.sql.names import normalise
from local_snowflake.sql.statement import RAW_VERBS
from local_snowflake.users.key_pair_tokens import LOGIN_SECONDS, InvalidTokenError

logger = logging.getLogger(__name__)
# for what statements do not use: they have threads of their own
_THREADS = 256
# the connector gives up a request after 60 seconds and repeats it; Snowflake's answer comes after 45
ANSWER_SECONDS = 40.0
_KEY_PAIR = "SNOWFLAKE_JWT"


class Server:
    """The protocol of one account, with one user, whose name may be in any case, a secret password, and key pairs.

    A statement's client is asked to come back later after ``answer_seconds``.
    """

    def __init__(self, account: Account, user: str, secret: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._account = account
        self._user = user
        self._secret = secret
        self._answer_seconds = answer_seconds
        self._pending: PendingStatements[bytes] = PendingStatements()
        self._wrong_passwords = WrongPasswords()
        self._sql_api = SqlApi(account, user, secret, answer_seconds, self._wrong_passwords)
        self._console = Console(account.history, self._sql_api.signed_in)

    def app(self) -> Starlette:
        """The ASGI application."""
        posts = {
            "/session/v1/login-request": self.login,
            "/session": self.session,
            "/session/heartbeat": self.heartbeat,
            "/session/token-request": self._in_session(self.renew),
            "/queries/v1/query-request": self._in_session(self.query),
            "/queries/v1/abort-request": self._in_session(self.abort),
            "/queries/{query_id}/abort-request": self._in_session(self.abort),
            "/telemetry/send": _no_telemetry,
        }
        gets = {
            "/health": self.health,
            "/queries/{query_id}/result": self._in_session(self.result),
            "/monitoring/queries/{query_id}": self._in_session(self.monitor),
        }
        routes = [Route(path, answering(endpoint), methods=["POST"]) for path, endpoint in posts.items()]
        routes += [Route(path, answering(endpoint), methods=["GET"]) for path, endpoint in gets.items()]
        others = (self._sql_api, self._console, self._account.transfers)
        return Starlette(routes=[*routes, *(route for other in others for route in other.routes())])

    # -- sessions -----------------------------------------------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        """Check who it is, open a session; a procedure's password is the token that was made for it."""
        data = await login_of(request)
        password = str(data.get("PASSWORD") or data.get("TOKEN") or "")
        if self._wrong_passwords.too_many:
            return refused("390422", "Too many wrong passwords were specified of late: try again in a minute.")
        if attached := self._account.sessions.find(password):
            return respond(render(_logged_in(attached)))
        user = str(data.get("LOGIN_NAME") or "")
        if refusal := self._refusal(data, user, password):
            await self._wrong_passwords.delay()
            return refusal
        query = request.query_params
        database, schema = (normalise(query[k]) if query.get(k) else None for k in ("databaseName", "schemaName"))
        token = await run_in_threadpool(self._account.sessions.open, user, database, schema)
        if query.get("warehouse"):
            token.session.warehouse = normalise(query["warehouse"])
        if query.get("roleName"):
            role = normalise(query["roleName"])
            if not self._account.may_take(user, role):
                await run_in_threadpool(self._account.sessions.close, token)
                text = f"Role '{role}' specified in the connect string does not exist or not authorized. Contact your "
                text += "local system administrator, or attempt to login with another role, e.g. PUBLIC."
                return refused("390189", text)
            token.session.role = role
        token.session.client = f"{data.get('CLIENT_APP_ID', '')} {data.get('CLIENT_APP_VERSION', '')}".strip()
        try:
            await run_in_threadpool(_set_parameters, token.session, data.get("SESSION_PARAMETERS") or {})
        except SnowflakeError as error:
            await run_in_threadpool(self._account.sessions.close, token)
            return refused(f"{error.code:06d}", error.message)
        return respond(render(_logged_in(token)))

    def _refusal(self, data: dict[str, Any], user: str, password: str) -> Response | None:
        """The answer to a login whose password, or token of a key pair, is wrong; None if it is right."""
        is_user = hmac.compare_digest(user.lower().encode(), self._user.lower().encode())
        if str(data.get("AUTHENTICATOR") or "").upper() == _KEY_PAIR and is_user:
            try:
                self._account.check_key_pair_token(str(data.get("TOKEN") or ""), user, LOGIN_SECONDS)
            except InvalidTokenError as error:
                return refused(error.code, str(error))
            return None
        if hmac.compare_digest(password.encode(), self._secret.encode()) and is_user:
            return None
        return refused("390100", "Incorrect username or password was specified.")

    async def session(self, request: Request) -> Response:
        """End a session."""
        token = self._token(request)
        if token and request.query_params.get("delete"):
            await run_in_threadpool(self._account.sessions.close, token)
        return succeeded({})

    async def health(self, request: Request) -> Response:
        """Whether statements can run: HTTP 200, or 503 with the reason; and how handlers are isolated."""
        try:
            await run_in_threadpool(self._account.check)
        except duckdb.Error as error:
            return PlainTextResponse(f"The database does not answer: {error}\n", 503)
        return PlainTextResponse(f"ok\n{self._account.isolation.description()}\n")

    async def heartbeat(self, request: Request) -> Response:
        """Tell whether a session is still there."""
        return succeeded({}) if self._token(request) else gone()

    async def renew(self, request: Request, token: SessionToken) -> Response:
        """Give a fresh token; here a session's token lasts as long as the session."""
        return succeeded({"sessionToken": token.value, "masterToken": token.value, "validityInSecondsST": 3600})

    def _token(self, request: Request) -> SessionToken | None:
        authorization = request.headers.get("Authorization", "")
        token = self._account.sessions.find(authorization.partition('Token="')[2].rstrip('"'))
        if token:
            token.touch()
        return token

    def _in_session(self, endpoint: Callable[[Request, SessionToken], Awaitable[Response]]) -> Endpoint:
        """An endpoint for clients that have a session."""

        async def of_session(request: Request) -> Response:
            token = self._token(request)
            return gone() if token is None else await endpoint(request, token)

        return of_session

    # -- statements ---------------------------------------------------------------------------------------------------

    async def query(self, request: Request, token: SessionToken) -> Response:
        """Run a statement; of one that is asynchronous, or takes long, the client fetches the result later."""
        token.base_url = str(request.base_url)
        body = await statement_of(request)
        key = request.query_params.get("requestId", "")
        if key and body.get("describeOnly"):
            # a client may give a statement's own id to its description too
            key += "/describe"
        session = token.session
        pending = self._pending.submit(session.id, session.user, key, lambda new: self._run(new, token, body))
        if pending is None:
            return refused("000709", "The result of this request is not kept any more; the statement ran once.")
        if body.get("asyncExec"):
            return in_progress(pending.query_id, IN_PROGRESS_ASYNC)
        return await self._response(pending)

    async def _response(self, pending: PendingStatement[bytes]) -> Response:
        """The answer of a statement, or that it has none yet."""
        if await pending.ended(self._answer_seconds):
            return respond(pending.answer.result())
        return in_progress(pending.query_id)

    def _run(self, pending: PendingStatement[bytes], token: SessionToken, body: dict[str, Any]) -> bytes:
        query_id = pending.query_id
        with token.lock:
            try:
                if not pending.begin(token.session):
                    raise canceled()
                # a procedure that was stopped may have had a statement on its way
                if self._account.sessions.find(token.value) is None:
                    raise SnowflakeError(390111, "08001", "Session no longer exists.")
                sql, bindings = body["sqlText"], body.get("bindings")
                if body.get("describeOnly"):
                    return render(self._answer(token, self._account.describe(token, sql, bindings)))
                with _of_statement(token, body.get("parameters") or {}):
                    statements = _statements(token.session, sql)
                    if len(statements) > 1:
                        result = self._run_several(pending, token, statements, bindings_of(statements, bindings or {}))
                    else:
                        result = self._account.execute(token, sql, bindings, query_id=query_id)
                    return render(self._answer(token, result))
            except SnowflakeError as error:
                return render(failed(error, query_id))
            except Exception as error:  # noqa: BLE001 (it is logged, and answered)
                # an answer, never HTTP 500: clients repeat those
                log_failure(logger, f"statement {query_id} failed in the server", error)
                return render(failed(internal_error(query_id), query_id))
            finally:
                token.touch()
                pending.end()

    def _run_several(
        self,
        pending: PendingStatement[bytes],
        token: SessionToken,
        statements: list[str],
        bindings: list[dict[str, Any]],
    ) -> Result:
        """Run the statements of one request: the client asks for the result of each by its id.

        Raises:
            SnowflakeError: 100132 if one failed, with its error in the text; those before it stay done.
        """
        parts, types = [], []
        for sql, values in zip(statements, bindings, strict=True):
            part: PendingStatement[bytes] = PendingStatement(pending.owner, pending.user)
            try:
                result = self._account.execute(token, sql, values, query_id=part.query_id)
            except SnowflakeError as error:
                self._pending.complete(part, render(failed(error, part.query_id)))
                if error.sqlstate == canceled().sqlstate:
                    raise
                raise failed_statement(sql, error) from error
            if result.transfer is not None:
                raise not_supported(f"{sql.split(maxsplit=1)[0].upper()} among several statements")
            self._pending.complete(part, render(self._answer(token, result)))
            parts.append(part.query_id)
            types.append(str(result.type_id))
        return several(pending.query_id, parts, types)

    def _answer(self, token: SessionToken, result: Result) -> dict[str, Any]:
        if result.transfer is not None:
            return {"data": {**result.transfer, "queryId": result.query_id}, "success": True}
        session = token.session
        data = {
            "parameters": [{"name": "TIMEZONE", "value": session.parameters.get("TIMEZONE", "UTC")}],
            "rowtype": [c.row_type() for c in result.columns],
            "total": result.table.num_rows,
            "returned": result.table.num_rows,
            "queryId": result.query_id,
            "statementTypeId": result.type_id,
            "numberOfBinds": 0,
            "arrayBindSupported": False,
            **{f"final{k.capitalize()}Name": getattr(session, k) for k in ("database", "schema", "warehouse", "role")},
            **encode(result),
            **result.parts,
        }
        return {"data": data, "code": None, "message": None, "success": True}

    async def result(self, request: Request, token: SessionToken) -> Response:
        """The outcome of a statement of the session that was asynchronous, or took long."""
        query_id = request.path_params["query_id"]
        pending = self._pending.find(query_id)
        if pending is None or pending.owner != token.session.id:
            return refused("000709", f"Statement {query_id} not found")
        return await self._response(pending)

    async def monitor(self, request: Request, token: SessionToken) -> Response:
        """The state of a statement of the client's user."""
        query_id = request.path_params["query_id"]
        user = token.session.user
        record = self._account.history.find(query_id)
        if record is None or record.user != user:
            pending = self._pending.find(query_id)
            return succeeded({"queries": [_state(pending)] if pending and pending.user == user else []})
        entry: dict[str, Any] = {"id": query_id, "status": record.status, "sqlText": record.text}
        if record.error_code is not None:
            entry |= {"errorCode": f"{record.error_code:06d}", "errorMessage": record.error_message}
        return succeeded({"queries": [entry]})

    async def abort(self, request: Request, token: SessionToken) -> Response:
        """Interrupt a statement of the session, which its request or its id identifies."""
        if query_id := request.path_params.get("query_id"):
            pending = self._pending.find(query_id)
        else:
            pending = self._pending.of_request(token.session.id, str((await body_of(request)).get("requestId", "")))
        if pending is not None and pending.owner == token.session.id:
            await run_in_threadpool(pending.cancel)
        return succeeded({})


def _state(pending: PendingStatement[bytes]) -> dict[str, Any]:
    """The state of a statement that is not in the history: it waits for its session, or was cancelled while it did."""
    entry = {"id": pending.query_id, "status": "RUNNING"}
    if pending.is_cancelled:
        error = canceled()
        entry |= {"status": "ABORTED", "errorCode": f"{error.code:06d}", "errorMessage": error.message}
    return entry


def _statements(session: Session, sql: str) -> list[str]:
    """The statements of a request; one is not taken apart, as its text may be no SQL."""
    raw = sql.lstrip().split(maxsplit=1)[:1]
    if ";" not in sql.rstrip().rstrip(";") or (raw and raw[0].upper() in RAW_VERBS):
        return [sql]
    return counted_statements(sql, session.parameters.get(COUNT, 1))


async def _no_telemetry(request: Request) -> Response:
    """The connector collects no more once it hears that; Snowpark does not heed CLIENT_TELEMETRY_ENABLED."""
    return refused("390400", "the local Snowflake keeps no telemetry")


async def widen_thread_pool() -> None:
    """Let more requests run at once than the default of 40 threads."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS


def _set_parameters(session: Session, parameters: dict[str, Any]) -> None:
    for key, value in parameters.items():
        # a client may send what only other servers know
        if is_known(key.upper()):
            set_parameter(session, key.upper(), value)


@contextmanager
def _of_statement(token: SessionToken, overrides: dict[str, Any]) -> Iterator[None]:
    """Session parameters that a client gives for one statement only, eg: QUERY_TAG; unknown ones mean nothing."""
    parameters = token.session.parameters
    overrides = {
        k.upper(): read_parameter(k.upper(), v) for k, v in overrides.items() if k.upper() in DEFAULT_PARAMETERS
    }
    before = {key: parameters[key] for key in overrides if key in parameters}
    parameters.update(overrides)
    try:
        yield
    finally:
        for key in overrides:
            parameters.pop(key, None)
        parameters.update(before)


def _logged_in(token: SessionToken) -> dict[str, Any]:
    session = token.session
    parameters = {
        "AUTOCOMMIT": session.autocommit,
        "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600,
        "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 0,
        "CLIENT_TELEMETRY_ENABLED": False,
        "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": True,
        "TIMEZONE": session.parameters.get("TIMEZONE", "UTC"),
    }
    data = {
        "token": token.value,
        "masterToken": token.value,
        "validityInSeconds": 3600,
        "masterValidityInSeconds": 14400,
        "sessionId": session.id,
        "serverVersion": "10.0.0",
        "parameters": [{"name": k, "value": v} for k, v in parameters.items()],
        "sessionInfo": {f"{what}Name": getattr(session, what) for what in ("database", "schema", "warehouse", "role")},
    }
    return {"data": data, "code": None, "message": None, "success": True}
