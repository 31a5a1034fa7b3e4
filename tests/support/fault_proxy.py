"""A TCP proxy that spoils what passes through it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.support.mariadb import free_port


class FaultProxy:
    """Listens on `port` of the loopback interface and passes everything on to another port.

    `delay` is how many seconds each answer is held back.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.delay = 0.0
        self.has_broken = False
        self._answers_until_break = 0
        self._target_port = target_port
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._start(self._accept)

    def cut(self) -> None:
        """Close all connections; new ones are let through."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            # Wakes the threads that read from it, which closing does not.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def break_answer(self, number: int) -> None:
        """Let the `number`-th answer from now on arrive by half, and cut its connection."""
        with self._lock:
            self._answers_until_break = number
            self.has_broken = False

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self._ends.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(30)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target_port))
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._sockets += [client, server]
                self._start(self._pass_on, client, server, False)
                self._start(self._pass_on, server, client, True)

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                if is_answer:
                    self._ends.wait(self.delay)
                    if self._breaks():
                        target.sendall(piece[: len(piece) // 2])
                        break
                target.sendall(piece)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        source.close()

    def _breaks(self) -> bool:
        with self._lock:
            self._answers_until_break -= 1
            if self._answers_until_break != 0:
                return False
            self.has_broken = True
            return True
