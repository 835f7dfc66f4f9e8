"""The health of Airflow's parts, as its server reports it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from stack.airflow.health import PARTS, unhealthy

HEALTHY = {part: {"status": "healthy"} for part in PARTS}


@contextmanager
def airflow(*answers):
    """A server that gives these answers one after the other; None is no answer before the client has gone."""
    left, closing = list(answers), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = left.pop(0)
            if answer is None:
                closing.wait()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            closing.set()
            server.shutdown()


def test_each_part_that_is_not_healthy_is_named():
    with airflow(HEALTHY, {**HEALTHY, "scheduler": {"status": "unhealthy"}, "triggerer": None}) as url:
        assert unhealthy(url) == ""
        assert unhealthy(url) == "scheduler, triggerer"


def test_a_server_that_is_slow_is_asked_again():
    with airflow(None, HEALTHY) as url:
        assert unhealthy(url) == ""


def test_where_nothing_listens_the_server_is_named():
    assert unhealthy("http://127.0.0.1:1") == "api-server"
