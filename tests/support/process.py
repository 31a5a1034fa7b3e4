"""Planado as a process of its own, and plain HTTP to talk to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.mariadb import free_port

ROOT = Path(__file__).parents[2]


def planado(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of planado.py in a folder and return what it printed."""
    return subprocess.run(
        [sys.executable, ROOT / "planado.py", *arguments],
        cwd=folder,
        env={**_clean_environ(), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


class Server:
    """`planado.py serve` in a folder, on a free port of loopback or on a Unix socket."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        unix_socket: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.unix_socket = unix_socket
        listen = f"unix:{unix_socket}" if unix_socket else f"127.0.0.1:{self.port}"
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    ROOT / "planado.py",
                    "serve",
                    f"--listen={listen}",
                    *arguments,
                ],
                cwd=folder,
                env={**_clean_environ(), **(environ or {})},
                stdout=output,
                stderr=output,
            )
        while "Planado serves on" not in self.printed():
            assert self._process.poll() is None, self.printed()
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    def printed(self) -> str:
        return self.output.read_text("utf-8")

    def request(
        self, method: str, path: str, body: bytes | None = None, /, **headers: str
    ) -> tuple[http.client.HTTPResponse, str]:
        """Return the answer and its text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        if self.unix_socket:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(self.unix_socket))
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            response = connection.getresponse()
            return response, response.read().decode("utf-8")
        finally:
            connection.close()

    def book(self, start: str, **fields: object) -> dict[str, Any]:
        """Book a conference through the API, of an hour in UTC unless the fields say otherwise, and
        return its description.
        """
        body = {"start": start, "timezone": "UTC", "duration": 60, **fields}
        response, text = self.request(
            "POST",
            "/api/v1/conferences",
            json.dumps(body).encode(),
            Content_Type="application/json",
        )
        assert response.status == 201, text + self.printed()
        booked: dict[str, Any] = json.loads(text)
        return booked

    def resident_bytes(self) -> dict[int, int]:
        """Return how much memory its processes have at the moment, by process (Linux)."""
        found, todo = {}, [self.pid]
        while todo:
            pid = todo.pop()
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            [line] = [line for line in status if line.startswith("VmRSS:")]
            found[pid] = int(line.split()[1]) * 1024
            todo += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def wait(self, seconds: float) -> int:
        """Wait until it has ended and return its exit status."""
        return self._process.wait(seconds)

    def processor_seconds(self) -> float:
        """Return how long it and its children have computed so far (Linux)."""
        todo, nanoseconds = [self._process.pid], 0
        while todo:
            for task in Path(f"/proc/{todo.pop()}/task").iterdir():
                nanoseconds += int((task / "schedstat").read_text().split()[0])
                todo += map(int, (task / "children").read_text().split())
        return nanoseconds / 1e9

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._process.kill()
        self._process.wait(30)

    def interrupt(self) -> None:
        """End it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        self._process.wait(30)


def _clean_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PLANADO")}
