"""A connection that is slow or breaks off, between a client and a server on this machine."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Proxy:
    """A proxy on loopback.

    Attributes:
        port: Where it listens.
        breaks: How many of the next answers break off.
        broken: How many connections it has broken off.
    """

    def __init__(self, port: int, chance: random.Random, *, delay: float = 0.0) -> None:
        """Stand before a port.

        Args:
            port: The server's port.
            chance: Decides which answers break off, and where.
            delay: Seconds that each piece of an answer takes.
        """
        self._server, self._chance, self._delay = port, chance, delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.breaks = self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                for source, target, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._copy, args=(source, target, answers), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(16_384):
                if answers:
                    time.sleep(self._delay)
                    if self.breaks > 0 and self._chance.random() < 0.2:
                        self.breaks -= 1
                        self.broken += 1
                        target.sendall(data[: self._chance.randrange(len(data))])
                        break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(port: int, chance: random.Random, *, delay: float = 0.0) -> Iterator[Proxy]:
    """A proxy before a port, closed at the end."""
    made = Proxy(port, chance, delay=delay)
    try:
        yield made
    finally:
        made.close()
