"""The SQL API: statements over plain HTTP requests, each in a session of its own.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

import hmac
import logging
import threading
import uuid
from concurrent.futures import wait
from functools import wraps
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError, canceled, internal_error, log_failure, not_supported
from local_snowflake.execution.results import Result
from local_snowflake.protocol.pending import PendingStatement, PendingStatements
from local_snowflake.protocol.requests import INTERNAL, Endpoint, MalformedRequestError, Submission, submission_of
from local_snowflake.protocol.responses import IN_PROGRESS, IN_PROGRESS_ASYNC
from local_snowflake.protocol.slow_clients import WrongPasswords
from local_snowflake.protocol.statement_answers import PATH, StatementAnswer, failure, result_set, several, status_of
from local_snowflake.scripting.splitting import COUNT, counted_statements, failed_statement
from local_snowflake.sessions.parameters import set_parameter
from local_snowflake.sessions.token import SessionToken
from local_snowflake.users.key_pair_tokens import LONGEST_SECONDS, InvalidTokenError

logger = logging.getLogger(__name__)
_TIMEOUT = "STATEMENT_TIMEOUT_IN_SECONDS"
# a week: what a timeout of 0 stands for
_LONGEST = 604_800
_INTERRUPT_SECONDS = 0.1
# a client transfers their files itself, which takes a session
_TRANSFERS = ("PUT", "GET")
_TOKEN_TYPE = "PROGRAMMATIC_ACCESS_TOKEN"  # noqa: S105 (the name of a kind)
_KEY_PAIR = "KEYPAIR_JWT"
# between the three parts of a JSON Web Token
_JWT_DOTS = 2

Pending = PendingStatement[StatementAnswer]


class _RefusedError(Exception):
    """A request that is not done, for a reason that is none of its statement."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.response = JSONResponse({"code": code, "message": message}, status)


class SqlApi:
    """The SQL API of one account.

    A client signs in with a programmatic access token, which is the user's ``secret``, or with one that a private key
    of the user signed; who submits a statement that takes longer than ``answer_seconds`` asks for its result later.
    """

    def __init__(
        self, account: Account, user: str, secret: str, answer_seconds: float, wrong_passwords: WrongPasswords
    ) -> None:
        self._account = account
        self._user = user
        self._secret = secret
        self._answer_seconds = answer_seconds
        self._wrong_passwords = wrong_passwords
        self._statements: PendingStatements[StatementAnswer] = PendingStatements()

    def routes(self) -> list[Route]:
        """The routes of the SQL API."""
        return [
            Route(PATH, self.signed_in(self.submit), methods=["POST"]),
            Route(f"{PATH}/{{handle}}", self.signed_in(self.status), methods=["GET"]),
            Route(f"{PATH}/{{handle}}/cancel", self.signed_in(self.cancel), methods=["POST"]),
        ]

    def signed_in(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint for clients with the token; a request that cannot be done is answered with the reason."""

        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            try:
                await self._authenticate(request)
                return await endpoint(request)
            except _RefusedError as error:
                return error.response
            except MalformedRequestError as error:
                return _malformed(str(error)).response
            except Exception as error:  # noqa: BLE001 (it is logged, and answered)
                log_failure(logger, f"unexpected failure of {request.method} {request.scope['path']}", error)
                return JSONResponse({"code": "000603", "message": INTERNAL}, HTTPStatus.INTERNAL_SERVER_ERROR)

        return guarded

    async def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("390101", 'The header "Authorization: Bearer <token>" is missing.')
        token = token.strip()
        is_secret = hmac.compare_digest(token.encode(), self._secret.encode())
        assumed = _KEY_PAIR if token.count(".") == _JWT_DOTS and not is_secret else _TOKEN_TYPE
        kind = request.headers.get("X-Snowflake-Authorization-Token-Type", assumed)
        if kind.upper() not in {_TOKEN_TYPE, _KEY_PAIR}:
            text = f"Tokens of the type {kind} are not supported by the local Snowflake: sign in with one of the type "
            raise _unauthorized("390144", f"{text}{_TOKEN_TYPE}, the password of its user, or {_KEY_PAIR}.")
        if self._wrong_passwords.too_many:
            raise _RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "390422", "Too many wrong tokens came of late.")
        if kind.upper() == _KEY_PAIR:
            try:
                self._account.check_key_pair_token(token, self._user, LONGEST_SECONDS)
            except InvalidTokenError as error:
                await self._wrong_passwords.delay()
                raise _unauthorized(error.code, str(error)) from None
        elif not is_secret:
            await self._wrong_passwords.delay()
            raise _unauthorized("394400", "Programmatic access token is invalid: it is not the password of the user.")

    # -- requests -----------------------------------------------------------------------------------------------------

    async def submit(self, request: Request) -> Response:
        """Run a statement or several; of those that are asynchronous, or take long, the client asks for the result."""
        submission = await submission_of(request)
        query = request.query_params
        request_id = query.get("requestId", "")
        null = "null" if query.get("nullable", "").lower() == "false" else None
        pending = self._statements.submit(
            self._user, self._user, request_id, lambda new: self._run(new, submission, request_id, null)
        )
        if pending is None:
            text = "The result of this request is not kept any more; its statement ran once."
            raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "000709", text)
        if query.get("async", "").lower() == "true":
            return _in_progress(pending, IN_PROGRESS_ASYNC)
        if await pending.ended(self._answer_seconds):
            return pending.answer.result().response(0)
        return _in_progress(pending, IN_PROGRESS)

    async def status(self, request: Request) -> Response:
        """The result of a statement, or a partition of it; or that it still runs."""
        pending = self._find(request)
        partition = request.query_params.get("partition", "0")
        if not partition.isdigit():
            raise _malformed('"partition" has to be a number, 0 or more')
        if not pending.answer.done():
            return _in_progress(pending, IN_PROGRESS)
        answer = pending.answer.result()
        if int(partition) >= answer.partitions:
            raise _malformed(f'"partition" is {partition}, and the result has {answer.partitions}, counted from 0')
        return answer.response(int(partition))

    async def cancel(self, request: Request) -> Response:
        """Interrupt a statement, or those of a request from the one that runs on."""
        pending = self._find(request)
        if pending.answer.done():
            raise _RefusedError(
                HTTPStatus.UNPROCESSABLE_ENTITY, "000605", f"Statement {pending.query_id} is not currently executing."
            )
        threading.Thread(target=_interrupt, args=[pending], daemon=True).start()
        return JSONResponse(status_of(pending.query_id, canceled()))

    def _find(self, request: Request) -> Pending:
        handle = request.path_params["handle"]
        pending = self._statements.find(handle)
        if pending is None:
            text = f"Statement {handle} not found: it was never submitted, or its result is not kept any more."
            raise _RefusedError(HTTPStatus.NOT_FOUND, "000709", text)
        return pending

    # -- statements ---------------------------------------------------------------------------------------------------

    def _run(self, pending: Pending, submission: Submission, request_id: str, null: str | None) -> StatementAnswer:
        try:
            statements = _statements(submission)
            context = submission.context
            token = self._account.sessions.open(self._user, context.get("database"), context.get("schema"))
            with token.lock:
                try:
                    if role := context.get("role"):
                        self._account.context(token).rights.check_role(role)
                    _prepare(token, submission)
                    if len(statements) == 1:
                        result = self._execute(pending, token, statements[0], submission, pending.query_id)
                        return result_set(result, pending.query_id, request_id, null)
                    handles = [self._run_part(pending, token, text, submission, null) for text in statements]
                    return several(pending.query_id, request_id, handles)
                finally:
                    self._account.sessions.close(token, is_locked=True)
        except SnowflakeError as error:
            return failure(error, pending.query_id)
        except Exception as error:  # noqa: BLE001 (it is logged, and answered)
            log_failure(logger, f"statement {pending.query_id} failed in the server", error)
            return failure(internal_error(pending.query_id), pending.query_id)

    def _execute(
        self, pending: Pending, token: SessionToken, sql: str, submission: Submission, query_id: str
    ) -> Result:
        """Run one statement, unless the client has cancelled the submitted one."""
        if not pending.begin(token.session):
            raise canceled()
        try:
            return self._account.execute(token, sql, submission.bindings, query_id=query_id)
        finally:
            pending.end()

    def _run_part(
        self, pending: Pending, token: SessionToken, sql: str, submission: Submission, null: str | None
    ) -> str:
        """Run one of several statements; returns its handle.

        Raises:
            SnowflakeError: 100132 if it failed, with its error in the text.
        """
        part: Pending = PendingStatement(pending.owner, pending.user)
        try:
            answer = result_set(self._execute(pending, token, sql, submission, part.query_id), part.query_id, "", null)
        except SnowflakeError as error:
            self._statements.complete(part, failure(error, part.query_id))
            # canceled or timed out: the request as a whole is
            if error.sqlstate == canceled().sqlstate:
                raise
            raise failed_statement(sql, error) from error
        self._statements.complete(part, answer)
        return part.query_id


def _statements(submission: Submission) -> list[str]:
    """The statements of a request, as many as its parameter MULTI_STATEMENT_COUNT says; any number if that is 0."""
    wanted = next((v for k, v in submission.parameters.items() if k.upper() == COUNT), 1)
    statements = counted_statements(submission.statement, wanted)
    if not statements:
        raise SnowflakeError(900, "42601", "SQL compilation error:\nEmpty SQL statement.")
    if len(statements) > 1 and submission.bindings:
        raise not_supported("bindings for several statements in one request")
    if transfers := [t for t in statements if t.split(maxsplit=1)[0].upper() in _TRANSFERS]:
        raise not_supported(f"{transfers[0].split(maxsplit=1)[0].upper()} in the SQL API")
    return statements


def _prepare(token: SessionToken, submission: Submission) -> None:
    """Set the context and the parameters of a session as a request says."""
    session, context = token.session, submission.context
    session.warehouse = context.get("warehouse")
    session.role = context.get("role", session.role)
    for key, value in submission.parameters.items():
        if key.upper() != COUNT:
            set_parameter(session, key.upper(), value)
    if submission.timeout is not None:
        set_parameter(session, _TIMEOUT, submission.timeout or _LONGEST)


def _interrupt(pending: Pending) -> None:
    """Interrupt a request until it has ended: DuckDB forgets an interrupt that comes right before its query begins.

    No transaction suffers from a second one, as the session ends with the request.
    """
    while not pending.answer.done():
        pending.cancel()
        wait([pending.answer], timeout=_INTERRUPT_SECONDS)


def _in_progress(pending: Pending, code: str) -> Response:
    text = "The statement is still running" if code == IN_PROGRESS else "Asynchronous execution in progress"
    body = {
        "code": code,
        "message": f"{text}. Ask for its result with its handle.",
        "statementHandle": pending.query_id,
        "statementStatusUrl": f"{PATH}/{pending.query_id}?requestId={uuid.uuid4()}",
    }
    return JSONResponse(body, HTTPStatus.ACCEPTED)


def _unauthorized(code: str, message: str) -> _RefusedError:
    return _RefusedError(HTTPStatus.UNAUTHORIZED, code, message)


def _malformed(message: str) -> _RefusedError:
    return _RefusedError(
        HTTPStatus.BAD_REQUEST, "390142", f"Incoming request does not contain a valid payload: {message}."
    )
