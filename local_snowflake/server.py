"""The HTTPS routes of Snowflake's client protocol."""

from __future__ import annotations

import gzip
import hmac
import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_snowflake.answers import BackgroundStatements
from local_snowflake.engine import Engine
from local_snowflake.errors import SnowflakeError
from local_snowflake.handle import Handle
from local_snowflake.names import normalise
from local_snowflake.parameters import is_known, read_parameter
from local_snowflake.results import Result, encode
from local_snowflake.statements.sessions import DEFAULT_PARAMETERS, set_parameter

logger = logging.getLogger(__name__)
USER = "snowloop"
# a CALL holds a thread while the procedure's own statements need more of them
_THREADS = 256
_IN_PROGRESS_ASYNC = "333334"


class Server:
    """The protocol over one engine."""

    def __init__(self, engine: Engine, secret: str) -> None:
        """Serve ``engine`` to clients that know ``secret``, the password."""
        self.engine = engine
        self.secret = secret
        self._running: dict[str, Handle] = {}
        self._background = BackgroundStatements()

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/session/v1/login-request", self.login, methods=["POST"]),
            Route("/session", self.session, methods=["POST"]),
            Route("/session/heartbeat", self.heartbeat, methods=["POST"]),
            Route("/session/token-request", self.renew, methods=["POST"]),
            Route("/queries/v1/query-request", self.query, methods=["POST"]),
            Route("/queries/v1/abort-request", self.abort, methods=["POST"]),
            Route("/queries/{query_id}/result", self.result, methods=["GET"]),
            Route("/monitoring/queries/{query_id}", self.monitor, methods=["GET"]),
            Route("/telemetry/send", _accepted, methods=["POST"]),
            *self.engine.transfers.routes(),
        ]
        return Starlette(routes=routes)

    # -- sessions -----------------------------------------------------------------------------------------------------

    async def login(self, request: Request) -> JSONResponse:
        """Check the password, open a session; a procedure's password is the token of its caller's handle."""
        data = (await _body(request)).get("data", {})
        password = str(data.get("PASSWORD") or data.get("TOKEN") or "")
        if attached := self.engine.handles.get(password):
            return JSONResponse(_logged_in(attached))
        user = str(data.get("LOGIN_NAME") or "")
        known = hmac.compare_digest(user.lower().encode(), USER.encode())
        if not (hmac.compare_digest(password.encode(), self.secret.encode()) and known):
            return _refused("390100", "Incorrect username or password was specified.")
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
            return _refused(f"{error.code:06d}", error.message)
        return JSONResponse(_logged_in(handle))

    async def session(self, request: Request) -> JSONResponse:
        """End a session."""
        handle = self._handle(request)
        if handle and request.query_params.get("delete"):
            await run_in_threadpool(self.engine.close_session, handle)
        return _succeeded({})

    async def heartbeat(self, request: Request) -> JSONResponse:
        """Tell whether a session is still there."""
        return _succeeded({}) if self._handle(request) else _gone()

    async def renew(self, request: Request) -> JSONResponse:
        """Give a fresh token; here a session's token lasts as long as the session."""
        handle = self._handle(request)
        if handle is None:
            return _gone()
        return _succeeded({"sessionToken": handle.token, "masterToken": handle.token, "validityInSecondsST": 3600})

    def _handle(self, request: Request) -> Handle | None:
        authorization = request.headers.get("Authorization", "")
        handle = self.engine.handles.get(authorization.partition('Token="')[2].rstrip('"'))
        if handle:
            handle.touch()
        return handle

    # -- statements ---------------------------------------------------------------------------------------------------

    async def query(self, request: Request) -> JSONResponse:
        """Run a statement; at once, or in the background for an asynchronous request."""
        handle = self._handle(request)
        if handle is None:
            return _gone()
        handle.base_url = str(request.base_url)
        body = await _body(request)
        request_id = request.query_params.get("requestId", "")
        if body.get("asyncExec"):
            return JSONResponse(self._start(handle, body, request_id))
        return JSONResponse(await run_in_threadpool(self._run, handle, body, request_id))

    def _start(self, handle: Handle, body: dict[str, Any], request_id: str) -> dict[str, Any]:
        query_id = str(uuid.uuid4())
        self._background.start(query_id, lambda: self._run(handle, body, request_id, query_id))
        data = {"queryId": query_id, "getResultUrl": f"/queries/{query_id}/result", "queryAbortsAfterSecs": 300}
        return {"data": data, "code": _IN_PROGRESS_ASYNC, "message": None, "success": True}

    def _run(
        self, handle: Handle, body: dict[str, Any], request_id: str, query_id: str | None = None
    ) -> dict[str, Any]:
        query_id = query_id or str(uuid.uuid4())
        with handle.lock:
            # a procedure that was stopped may have had a statement on its way
            if handle.token not in self.engine.handles:
                return {"data": {}, "code": "390111", "message": "Session no longer exists.", "success": False}
            self._running[request_id] = handle
            try:
                if body.get("describeOnly"):
                    return self._answer(handle, self.engine.describe(handle, body["sqlText"], body.get("bindings")))
                with _of_statement(handle, body.get("parameters") or {}):
                    result = self.engine.execute(handle, body["sqlText"], body.get("bindings"), query_id)
                return self._answer(handle, result)
            except SnowflakeError as error:
                return _failed(error, query_id)
            except Exception as error:
                # an answer, never HTTP 500: clients repeat those
                logger.exception("unexpected failure of: %s", body.get("sqlText"))
                text = f"SQL execution internal error: {type(error).__name__}: {error}"
                return _failed(SnowflakeError(603, "XX000", text), query_id)
            finally:
                self._running.pop(request_id, None)
                handle.touch()

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

    async def result(self, request: Request) -> JSONResponse:
        """The outcome of an asynchronous statement, waited for."""
        query_id = request.path_params["query_id"]
        answer = await run_in_threadpool(self._background.wait, query_id)
        return JSONResponse(answer) if answer else _refused("000709", f"Statement {query_id} not found")

    async def monitor(self, request: Request) -> JSONResponse:
        """The state of a statement."""
        query_id = request.path_params["query_id"]
        record = next((r for r in list(self.engine.history) if r.query_id == query_id), None)
        if record is None:
            runs = self._background.runs(query_id)
            return _succeeded({"queries": [{"id": query_id, "status": "RUNNING"}] if runs else []})
        entry: dict[str, Any] = {"id": query_id, "status": record.status, "sqlText": record.text}
        if record.error_code is not None:
            entry |= {"errorCode": f"{record.error_code:06d}", "errorMessage": record.error_message}
        return _succeeded({"queries": [entry]})

    async def abort(self, request: Request) -> JSONResponse:
        """Interrupt the statement of a request."""
        body = await _body(request)
        running = self._running.get(str(body.get("requestId", "")))
        if running:
            running.session.interrupt()
        return _succeeded({})


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        raw = gzip.decompress(raw)
    return dict(json.loads(raw)) if raw else {}


async def _accepted(request: Request) -> JSONResponse:
    return _succeeded({})


async def widen_thread_pool() -> None:
    """Let more requests run at once than the default of 40 threads."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS


def _set_parameters(engine: Engine, handle: Handle, parameters: dict[str, Any]) -> None:
    from local_snowflake.context import Context

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


def _succeeded(data: dict[str, Any]) -> JSONResponse:
    return JSONResponse({"data": data, "code": None, "message": None, "success": True})


def _refused(code: str, message: str) -> JSONResponse:
    return JSONResponse({"data": {}, "code": code, "message": message, "success": False})


def _gone() -> JSONResponse:
    # 390111: the client logs in anew or gives up; it is Snowflake's answer for a session that is no more
    return _refused("390111", "Session no longer exists. New login required to access the service.")


def _failed(error: SnowflakeError, query_id: str) -> dict[str, Any]:
    code = f"{error.code:06d}"
    data = {"errorCode": code, "sqlState": error.sqlstate, "queryId": query_id, "internalError": False}
    return {"data": data, "code": code, "message": error.message, "success": False}
