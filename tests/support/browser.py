"""A browser in a process of its own, which a program beside the tests drives."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any


class Browser:
    """A browser with one page; each method is one of the program that drives it.

    A line of JSON goes in, [method, ...arguments]; one comes out, {"result": ...} or
    {"error": ...}, and a first one when the browser is there.
    """

    def __init__(
        self, name: str, program: Sequence[str | Path], environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, **environ},
        )
        self.version = self._read()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def stop(self) -> None:
        """End the browser."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()

    def _call(self, method: str, *arguments: str | list[str]) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps([method, *arguments]) + "\n")
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]
