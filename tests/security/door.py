"""A door for scanners, which know queries and nothing else: every parameter of a target, be it in
the path, the query, a form, JSON or a header, becomes a field of the query of `/NUMBER`.

Where an answer leads elsewhere, the door only shows it: no scanner may leave this machine.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from tests.support.targets import OPEN, WAITING, Target
from tests.support.wsgi import call

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


_NUMBER = re.compile(rb"(?<![0-9])[1-9][0-9]{15}(?![0-9])")


def _known(number: bytes) -> bytes:
    stored = {str(value).encode() for one in (OPEN, WAITING) for value in one[:3]}
    return number if number in stored else b"1000000000000000"


class Door:
    """A WSGI application that passes on to another what a scanner tries, and notes it."""

    def __init__(
        self,
        application: WSGIApplication,
        targets: Sequence[Target],
        restore: Callable[[], None] = lambda: None,
    ) -> None:
        self.application = application
        self.targets = targets
        self.restore = restore
        self.tried: dict[tuple[int, str], set[str]] = defaultdict(set)
        self.statuses: dict[int, int] = defaultdict(int)

    def paths(self) -> list[str]:
        """Return the address of each target that has parameters."""
        return [
            f"/{number}?{urlencode(target.parameters)}"
            for number, target in enumerate(self.targets)
            if target.parameters
        ]

    def expect_attacks(self, at_least: int) -> None:
        """Check that each parameter of each target got so many values and none broke it."""
        for number, target in enumerate(self.targets):
            for name in target.parameters:
                tried = len(self.tried[number, name])
                assert tried >= at_least, (target.method, target.pattern, name, tried)
        assert max(self.statuses) < 500, dict(self.statuses)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        number = environ["PATH_INFO"].removeprefix("/")
        if not number.isdecimal() or int(number) >= len(self.targets):
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [self._links()]
        return self._pass_on(int(number), environ["QUERY_STRING"], start_response)

    def _links(self) -> bytes:
        links = (f'<li><a href="{html.escape(path)}">{path[:9]}</a></li>' for path in self.paths())
        return f"<!doctype html><title>Targets</title><ul>{''.join(links)}</ul>".encode()

    def _pass_on(self, number: int, query: str, start_response: StartResponse) -> Iterable[bytes]:
        target = self.targets[number]
        sent = dict(
            parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
        )
        changed = {name: value for name, value in sent.items() if name in target.parameters}
        for name, value in changed.items():
            if value != target.parameters[name]:
                self.tried[number, name].add(value)

        status, headers, content = call(self.application, target.environ(changed))
        self.statuses[int(status[:3])] += 1
        location = dict(headers).get("Location")
        if location:
            status, content = "200 OK", location.encode("latin-1")
            headers = [("Content-Type", "text/plain")]
        content = content.replace(b'http-equiv="refresh"', b'name="refresh"')
        # Numbers that a booking draws anew make each answer another one, which a scanner that
        # compares answers takes for its own doing. Those that are stored stay.
        content = _NUMBER.sub(lambda found: _known(found[0]), content)
        headers = [(name, value) for name, value in headers if name != "Content-Length"]
        start_response(status, headers)
        if target.method not in ("GET", "OPTIONS"):
            self.restore()
        return [content]
