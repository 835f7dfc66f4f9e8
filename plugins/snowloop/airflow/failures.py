"""Distinguishes failures that a retry can cure from those that it cannot, and puts both into words."""

from __future__ import annotations

from collections.abc import Iterator

from snowloop.errors import transport_errors

# Connection closed, request failed, server failed, timed out, retryable answer; session gone, token invalid or expired.
RETRYABLE_CODES = frozenset({250002, 250003, 250005, 251011, 251012, 390111, 390112, 390114})


def is_connection_error(error: BaseException) -> bool:
    """Whether an error, or a cause of it, comes from the connection: the same call may succeed a moment later."""
    return any(_is_lost_connection(each) for each in _chain(error))


def reason_of(error: BaseException) -> str:
    """Why a stage failed, in words: the error's own text, or its class where it has none."""
    message = getattr(error, "message", None)
    text = message if isinstance(message, str) and message else str(error)
    return text.strip() or type(error).__name__


def _is_lost_connection(error: BaseException) -> bool:
    from snowflake.connector import errors

    final = (errors.NonRetryableTlsError, errors.RevocationCheckError)
    lost = (
        *transport_errors(),
        errors.OperationalError,
        errors.BadGatewayError,
        errors.GatewayTimeoutError,
        errors.RequestExceedMaxRetryError,
        errors.RequestTimeoutError,
        errors.ServiceUnavailableError,
        errors.TooManyRequests,
    )
    if isinstance(error, final):
        return False
    return isinstance(error, lost) or bool({*_codes(error)} & RETRYABLE_CODES)


def _codes(error: BaseException) -> Iterator[int]:
    """The connector's number of an error; Snowpark has it under another name, and suppresses the cause."""
    for name in ("errno", "sql_error_code"):
        if str(code := getattr(error, name, None)).isdigit():
            yield int(str(code))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
