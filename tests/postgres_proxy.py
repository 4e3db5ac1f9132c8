"""A proxy before PostgreSQL that breaks one connection at a COMMIT: before it gets there, or behind it, unanswered."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

_COMMIT: Final = b"COMMIT\0"
_CHUNK: Final = 1 << 16

Lost = Literal["request", "answer"]


class Proxy:
    """Passes everything on, but the request or the answer of the COMMIT of this number, counted from 0."""

    def __init__(self, port: int, at: int | None, lost: Lost) -> None:
        self._server_port = port
        self._at = at
        self._lost = lost
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        #: COMMITs that were asked for.
        self.commits = 0

    def accept(self) -> None:
        """Serve until the listener is closed and all connections ended."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._connect, args=(client,))
                thread.start()
                self._threads.append(thread)
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connect(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server_port)) as server, suppress(OSError):
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    said = ready.recv(_CHUNK)
                    if not said:
                        return
                    if ready is server:
                        client.sendall(said)
                    elif self._breaks(said):
                        if self._lost == "answer":
                            server.sendall(said)
                            server.recv(_CHUNK)
                        return
                    else:
                        server.sendall(said)

    def _breaks(self, asked: bytes) -> bool:
        if _COMMIT not in asked:
            return False
        with self._lock:
            number, self.commits = self.commits, self.commits + 1
        return number == self._at


@contextmanager
def between(port: int, *, at: int | None = None, lost: Lost = "answer") -> Iterator[Proxy]:
    """A proxy before the server at this port, until the context is left."""
    proxy = Proxy(port, at, lost)
    thread = threading.Thread(target=proxy.accept)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
