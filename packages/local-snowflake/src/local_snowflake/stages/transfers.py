"""The route by which clients send files to stages and fetch them: each URL carries a grant that soon expires.

The connector speaks to it as to Google's storage: with a token for the whole statement over HTTPS, which the connector
insists on for tokens, and with a URL signed for each file over plain HTTP.
"""

import mimetypes
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.token import SessionToken
from local_snowflake.stages.locations import Location, digests

ROUTE = "/stage-files"
INCOMING = ".incoming"
_VALID_SECONDS = 900
_BLOCK = 1 << 20
_DIGEST_HEADER = "x-goog-meta-sfc-digest"


@dataclass(frozen=True)
class Grant:
    """What a URL allows: write files to one location, or read the files that are listed."""

    location: Location
    incoming: Path
    readable: dict[str, Path] = field(default_factory=dict)
    writable: bool = False
    overwrite: bool = False
    auto_compress: bool = False
    expires: float = field(default_factory=lambda: time.monotonic() + _VALID_SECONDS)


class Transfers:
    """The grants that are open."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._lock = threading.Lock()
        # the bind values of each client's last PUT: the connector repeats the statement without them
        self.binds: WeakKeyDictionary[SessionToken, list[object]] = WeakKeyDictionary()

    def grant(self, new: Grant) -> str:
        """Open a grant; returns the token that URLs carry."""
        token = secrets.token_urlsafe(24)
        now = time.monotonic()
        with self._lock:
            self._grants = {k: g for k, g in self._grants.items() if g.expires > now}
            self._grants[token] = new
        return token

    def find(self, token: str) -> Grant | None:
        """The open grant of a token."""
        grant = self._grants.get(token)
        return grant if grant and grant.expires > time.monotonic() else None

    def routes(self) -> list[Route]:
        """The routes of the server."""
        path = ROUTE + "/{token}/{name:path}"
        return [Route(path, self.download, methods=["GET", "HEAD"]), Route(path, self.upload, methods=["PUT"])]

    async def upload(self, request: Request) -> Response:
        """Store one file, under a temporary name first, so that no reader sees part of it."""
        grant = self.find(request.path_params["token"])
        if grant is None or not grant.writable:
            return _expired(request)
        temporary = grant.incoming / uuid.uuid4().hex
        await run_in_threadpool(temporary.parent.mkdir, parents=True, exist_ok=True)
        try:
            with temporary.open("wb", buffering=_BLOCK) as file:
                async for chunk in request.stream():
                    file.write(chunk)
            encoding = request.headers.get("content-encoding", "")
            await run_in_threadpool(_store, grant, request.path_params["name"], encoding, temporary)
        except SnowflakeError as error:
            return Response(error.message, 403)
        except OSError as error:
            return Response(f"the file cannot be stored: {error}", 403)
        finally:
            await run_in_threadpool(temporary.unlink, missing_ok=True)
        return Response()

    async def download(self, request: Request) -> Response:
        """Send one file; for HEAD its size and digest, or 404."""
        grant = self.find(request.path_params["token"])
        if grant is None:
            return _expired(request)
        name = request.path_params["name"]
        path = grant.readable.get(name)
        if path is None and grant.writable and request.method == "HEAD":
            path = grant.location.target(name)
        if path is None or not await run_in_threadpool(path.is_file):
            return Response(status_code=404)
        _, digest = await run_in_threadpool(digests, path)
        return FileResponse(path, headers={_DIGEST_HEADER: digest}, media_type="application/octet-stream")


def _store(grant: Grant, name: str, encoding: str, temporary: Path) -> None:
    if grant.auto_compress and not encoding and mimetypes.guess_type(name)[1] != "gzip":
        # one URL for a statement has the source's name only: the client has compressed the file and added this
        name += ".gz"
    target = grant.location.target(name)
    if target.exists() and not grant.overwrite:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(target)


def _expired(request: Request) -> Response:
    # the connector answers 401 by asking for a new token, and 400 by asking for a new URL
    return Response("the grant has expired", 401 if request.headers.get("authorization") else 400)


def file_url(base_url: str, token: str, name: str) -> str:
    """The URL of one file under a grant."""
    return f"{base_url.rstrip('/')}{ROUTE}/{token}/{quote(name)}"
