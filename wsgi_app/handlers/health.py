"""The state of health, for monitoring."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from ..storage import conferences
from ..storage.database import Database, DatabaseError, Unprepared
from ..web.request import Request
from ..web.response import Response

# Frequent checks must not make the database write as often.
_SECONDS_BETWEEN_TRIES = 10


class _Writing:
    """Whether this process can write to a database, tried at most once in ten seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_try = 0.0
        self._fault = ""

    def check(self, db: Database, now: float) -> None:
        """Raise DatabaseError where the database does not answer, or could not be written to when
        this was last tried.
        """
        with self._lock:
            is_due = not now < self._next_try <= now + _SECONDS_BETWEEN_TRIES
            if is_due:
                self._next_try = now + _SECONDS_BETWEEN_TRIES
        if not is_due:
            conferences.ping(db)
        else:
            try:
                conferences.try_to_write(db)
                self._fault = ""
            except Unprepared:
                raise  # The tables are made now, where there is none at all.
            except DatabaseError as error:
                self._fault = str(error)
        if self._fault:
            raise DatabaseError(self._fault)


_WRITING: WeakKeyDictionary[Database, _Writing] = WeakKeyDictionary()


def show_health(request: Request, db: Database) -> Response:
    """Says `ok` if the database answers and can be written to."""
    _WRITING.setdefault(db, _Writing()).check(db, request.now)
    return Response(b"ok\n", headers={"Content-Type": "text/plain; charset=utf-8"})
