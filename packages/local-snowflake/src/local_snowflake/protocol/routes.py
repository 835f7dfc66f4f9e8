"""The HTTPS routes of Snowflake's client protocol."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_snowflake.account import Engine
from local_snowflake.errors import SnowflakeError, canceled
from local_snowflake.execution.results import Result, encode
from local_snowflake.protocol.pending import Asked, Statements
from local_snowflake.protocol.requests import answering, body_of, login_of, statement_of
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
from local_snowflake.sessions.handle import Handle
from local_snowflake.sessions.parameters import is_known, read_parameter
from local_snowflake.sessions.statements import DEFAULT_PARAMETERS, set_parameter
from local_snowflake.sql.names import normalise

logger = logging.getLogger(__name__)
USER = "snowloop"
# for what statements do not use: they have threads of their own
_THREADS = 256
# the connector gives up a request after 60 seconds and repeats it; Snowflake's answer comes after 45
ANSWER_SECONDS = 40.0


class Server:
    """The protocol over one engine."""

    def __init__(self, engine: Engine, secret: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Serve an account.

        Args:
            engine: the account.
            secret: the password.
            answer_seconds: after how long a statement's client is told to ask again later.
        """
        self.engine = engine
        self.secret = secret
        self._answer_seconds = answer_seconds
        self._statements = Statements()

    def app(self) -> Starlette:
        """The ASGI application."""
        posts = {
            "/session/v1/login-request": self.login,
            "/session": self.session,
            "/session/heartbeat": self.heartbeat,
            "/session/token-request": self.renew,
            "/queries/v1/query-request": self.query,
            "/queries/v1/abort-request": self.abort,
            "/queries/{query_id}/abort-request": self.abort,
            "/telemetry/send": _accepted,
        }
        gets = {"/queries/{query_id}/result": self.result, "/monitoring/queries/{query_id}": self.monitor}
        routes = [Route(path, answering(endpoint), methods=["POST"]) for path, endpoint in posts.items()]
        routes += [Route(path, answering(endpoint), methods=["GET"]) for path, endpoint in gets.items()]
        return Starlette(routes=[*routes, *self.engine.transfers.routes()])

    # -- sessions -----------------------------------------------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        """Check the password, open a session; a procedure's password is the token of its caller's handle."""
        data = await login_of(request)
        password = str(data.get("PASSWORD") or data.get("TOKEN") or "")
        if attached := self.engine.handles.get(password):
            return respond(render(_logged_in(attached)))
        user = str(data.get("LOGIN_NAME") or "")
        known = hmac.compare_digest(user.lower().encode(), USER.encode())
        if not (hmac.compare_digest(password.encode(), self.secret.encode()) and known):
            return refused("390100", "Incorrect username or password was specified.")
        query = request.query_params
        database, schema = (normalise(query[k]) if query.get(k) else None for k in ("databaseName", "schemaName"))
        handle = await run_in_threadpool(self.engine.open_session, user, database, schema)
        if query.get("warehouse"):
            handle.session.warehouse = normalise(query["warehouse"])
        if query.get("roleName"):
            handle.session.role = normalise(query["roleName"])
        handle.session.client = f"{data.get('CLIENT_APP_ID', '')} {data.get('CLIENT_APP_VERSION', '')}".strip()
        try:
            await run_in_threadpool(_set_parameters, self.engine, handle, data.get("SESSION_PARAMETERS") or {})
        except SnowflakeError as error:
            await run_in_threadpool(self.engine.close_session, handle)
            return refused(f"{error.code:06d}", error.message)
        return respond(render(_logged_in(handle)))

    async def session(self, request: Request) -> Response:
        """End a session."""
        handle = self._handle(request)
        if handle and request.query_params.get("delete"):
            await run_in_threadpool(self.engine.close_session, handle)
        return succeeded({})

    async def heartbeat(self, request: Request) -> Response:
        """Tell whether a session is still there."""
        return succeeded({}) if self._handle(request) else gone()

    async def renew(self, request: Request) -> Response:
        """Give a fresh token; here a session's token lasts as long as the session."""
        handle = self._handle(request)
        if handle is None:
            return gone()
        return succeeded({"sessionToken": handle.token, "masterToken": handle.token, "validityInSecondsST": 3600})

    def _handle(self, request: Request) -> Handle | None:
        authorization = request.headers.get("Authorization", "")
        handle = self.engine.handles.get(authorization.partition('Token="')[2].rstrip('"'))
        if handle:
            handle.touch()
        return handle

    # -- statements ---------------------------------------------------------------------------------------------------

    async def query(self, request: Request) -> Response:
        """Run a statement; of one that is asynchronous, or takes long, the client fetches the result later."""
        handle = self._handle(request)
        if handle is None:
            return gone()
        handle.base_url = str(request.base_url)
        body = await statement_of(request)
        key = _request_key(request, body)
        asked = self._statements.ask(handle.session, key, lambda asked: self._run(asked, handle, body))
        if asked is None:
            return refused("000709", "The result of this request is not kept any more; the statement ran once.")
        if body.get("asyncExec"):
            return in_progress(asked.query_id, IN_PROGRESS_ASYNC)
        return await self._response(asked)

    async def _response(self, asked: Asked) -> Response:
        """The answer of a statement, or that it has none yet."""
        if await asked.ended(self._answer_seconds):
            return respond(asked.answer.result())
        return in_progress(asked.query_id)

    def _run(self, asked: Asked, handle: Handle, body: dict[str, Any]) -> bytes:
        query_id = asked.query_id
        with handle.lock:
            try:
                if not asked.begin(handle.session):
                    return render(failed(canceled(), query_id))
                # a procedure that was stopped may have had a statement on its way
                if handle.token not in self.engine.handles:
                    return render(failed(SnowflakeError(390111, "08001", "Session no longer exists."), query_id))
                if body.get("describeOnly"):
                    result = self.engine.describe(handle, body["sqlText"], body.get("bindings"))
                    return render(self._answer(handle, result))
                with _of_statement(handle, body.get("parameters") or {}):
                    result = self.engine.execute(handle, body["sqlText"], body.get("bindings"), query_id)
                return render(self._answer(handle, result))
            except SnowflakeError as error:
                return render(failed(error, query_id))
            except Exception as error:
                # an answer, never HTTP 500: clients repeat those
                logger.exception("unexpected failure of: %s", body["sqlText"])
                text = f"SQL execution internal error: {type(error).__name__}: {error}"
                return render(failed(SnowflakeError(603, "XX000", text), query_id))
            finally:
                handle.touch()
                asked.end()

    def _answer(self, handle: Handle, result: Result) -> dict[str, Any]:
        if result.transfer is not None:
            return {"data": {**result.transfer, "queryId": result.query_id}, "success": True}
        session = handle.session
        data = {
            "parameters": [{"name": "TIMEZONE", "value": session.parameters.get("TIMEZONE", "UTC")}],
            "rowtype": [c.row_type() for c in result.columns],
            "total": result.table.num_rows,
            "returned": result.table.num_rows,
            "queryId": result.query_id,
            "statementTypeId": result.type_id,
            "numberOfBinds": 0,
            "arrayBindSupported": False,
            "finalDatabaseName": session.database,
            "finalSchemaName": session.schema,
            "finalWarehouseName": session.warehouse,
            "finalRoleName": session.role,
            **encode(result),
        }
        return {"data": data, "code": None, "message": None, "success": True}

    async def result(self, request: Request) -> Response:
        """The outcome of a statement of the session that was asynchronous, or took long."""
        handle = self._handle(request)
        if handle is None:
            return gone()
        query_id = request.path_params["query_id"]
        asked = self._statements.find(query_id)
        if asked is None or asked.session_id != handle.session.id:
            return refused("000709", f"Statement {query_id} not found")
        return await self._response(asked)

    async def monitor(self, request: Request) -> Response:
        """The state of a statement of the client's user."""
        handle = self._handle(request)
        if handle is None:
            return gone()
        query_id = request.path_params["query_id"]
        user = handle.session.user
        record = next((r for r in list(self.engine.history) if r.query_id == query_id and r.user == user), None)
        if record is None:
            asked = self._statements.find(query_id)
            return succeeded({"queries": [_state(asked)] if asked and asked.user == user else []})
        entry: dict[str, Any] = {"id": query_id, "status": record.status, "sqlText": record.text}
        if record.error_code is not None:
            entry |= {"errorCode": f"{record.error_code:06d}", "errorMessage": record.error_message}
        return succeeded({"queries": [entry]})

    async def abort(self, request: Request) -> Response:
        """Interrupt a statement of the session, told by its request or by its id."""
        handle = self._handle(request)
        if handle is None:
            return gone()
        if query_id := request.path_params.get("query_id"):
            asked = self._statements.find(query_id)
        else:
            asked = self._statements.of_request(handle.session, str((await body_of(request)).get("requestId", "")))
        if asked is not None and asked.session_id == handle.session.id:
            await run_in_threadpool(asked.cancel)
        return succeeded({})


def _state(asked: Asked) -> dict[str, Any]:
    """The state of a statement that is not in the history: it waits for its session, or was cancelled while it did."""
    entry = {"id": asked.query_id, "status": "RUNNING"}
    if asked.is_cancelled:
        error = canceled()
        entry |= {"status": "ABORTED", "errorCode": f"{error.code:06d}", "errorMessage": error.message}
    return entry


async def _accepted(request: Request) -> Response:
    return succeeded({})


def _request_key(request: Request, body: dict[str, Any]) -> str:
    """What tells a repeated request from another; a client may give a statement's own id to its description too."""
    request_id = request.query_params.get("requestId", "")
    return f"{request_id}/describe" if request_id and body.get("describeOnly") else request_id


async def widen_thread_pool() -> None:
    """Let more requests run at once than the default of 40 threads."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS


def _set_parameters(engine: Engine, handle: Handle, parameters: dict[str, Any]) -> None:
    from local_snowflake.execution.context import Context

    for key, value in parameters.items():
        # a client may tell what only other servers know
        if is_known(key.upper()):
            set_parameter(Context(engine, handle), key.upper(), value)


@contextmanager
def _of_statement(handle: Handle, given: dict[str, Any]) -> Iterator[None]:
    """Session parameters that a client gives for one statement only, eg: QUERY_TAG; unknown ones mean nothing."""
    parameters = handle.session.parameters
    given = {k.upper(): read_parameter(k.upper(), v) for k, v in given.items() if k.upper() in DEFAULT_PARAMETERS}
    before = {key: parameters[key] for key in given if key in parameters}
    parameters.update(given)
    try:
        yield
    finally:
        for key in given:
            parameters.pop(key, None)
        parameters.update(before)


def _logged_in(handle: Handle) -> dict[str, Any]:
    session = handle.session
    parameters = {
        "AUTOCOMMIT": session.autocommit,
        "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600,
        "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 0,
        "CLIENT_TELEMETRY_ENABLED": False,
        "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": True,
        "TIMEZONE": session.parameters.get("TIMEZONE", "UTC"),
    }
    data = {
        "token": handle.token,
        "masterToken": handle.token,
        "validityInSeconds": 3600,
        "masterValidityInSeconds": 14400,
        "sessionId": session.id,
        "serverVersion": "10.0.0",
        "parameters": [{"name": k, "value": v} for k, v in parameters.items()],
        "sessionInfo": {
            "databaseName": session.database,
            "schemaName": session.schema,
            "warehouseName": session.warehouse,
            "roleName": session.role,
        },
    }
    return {"data": data, "code": None, "message": None, "success": True}
