"""What SQLite and MariaDB have in common: statements on one connection per thread.

Here are connections, transactions, retries and named errors; no question is
asked here. Statements are written once for both: `:name` is a parameter,
`{table}` the configured table, `{table}_suffix` a name derived from it.

A statement whose answer was lost is retried on a new connection, so each one
must be safe to happen twice.
"""

from __future__ import annotations

import os
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

Row = tuple[Any, ...]
"""The values of a row, in the order in which the statement names its columns."""

Result = TypeVar("Result")

# Waits of 10 ms, then twice as long each time: a second and a quarter in all.
_TRIES = 8
_FIRST_PAUSE_SECONDS = 0.01
LOCK_SECONDS = 5
"""How long a statement waits for another one's lock."""
# Longer than a lock is waited for; a server that hangs may not hold up the pages for long.
ANSWER_SECONDS = 10


class DatabaseError(Exception):
    """The database refused or failed; the text names the cause by number or name, never a value."""


class Unavailable(DatabaseError):
    """The database is away, busy, full or read-only: a later retry may help."""


class Unprepared(Unavailable):
    """The tables are missing or older than this program: `planado.py init-db` helps."""


class DuplicateKey(DatabaseError):
    """A row with this primary key exists."""


class Conflict(Unavailable):
    """Another transaction won; the same one may succeed when retried."""


class ConnectionLost(Unavailable):
    """No answer arrived, or none will on this connection; the statement may have happened."""


class NoAnswer(Unavailable):
    """The server hangs; a retry would hang as well."""


class Outcome(NamedTuple):
    """How many rows a statement matched, and whether it was retried because an answer was lost.

    A retried one may have happened the first time, and then matches fewer. In a
    transaction, which is retried as a whole, no statement is retried by itself.
    """

    matched: int
    retried: bool


class Database(ABC):
    """One database, shared by all threads; each opens its own connection at its first statement."""

    dialect: str
    _begin: str

    def __init__(self, table: str) -> None:
        self.table = table
        self._local = threading.local()

    def beside(self, suffix: str) -> Database:
        """Return the same database with another table: its name and a suffix."""
        other = copy(self)
        other.table += suffix
        return other

    def one(self, sql: str, **values: object) -> Row | None:
        """Return the first row, or None; raises DatabaseError."""
        return next(iter(self.all(sql, **values)), None)

    def all(self, sql: str, **values: object) -> list[Row]:
        """Return all rows; raises DatabaseError."""
        (rows, _), _ = self._with_retries(lambda: self._execute(sql, values))
        return rows

    def run(self, sql: str, **values: object) -> Outcome:
        """Carry out a statement and return what came of it; raises DatabaseError."""
        (_, matched), retried = self._with_retries(lambda: self._execute(sql, values))
        return Outcome(matched, retried)

    def transaction(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns, all of its statements having happened or none; may call it
        more than once.
        """

        def attempt() -> Result:
            self._execute(self._begin, {})
            self._local.in_transaction = True
            try:
                result = work()
                self._execute("COMMIT", {})
                return result
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._local.in_transaction = False

        result, _ = self._with_retries(attempt)
        return result

    def create(self) -> None:
        """Make the file of an embedded database and, as root, give it to the owner of its folder;
        raises DatabaseError.
        """
        return

    def exists(self) -> bool:
        """Say whether the file of an embedded database has been made, True of any other; raises
        DatabaseError.
        """
        return True

    def check_place(self) -> None:
        """Raise DatabaseError where the file of an embedded database could not be made."""
        return

    def files(self) -> list[Path]:
        """Return the files of an embedded database that are there."""
        return []

    def checkpoint(self) -> None:
        """Clear the files of an embedded database of what was deleted, and move all that is stored
        into the one of its name; what a reader or writer holds up is left for the next time.
        """
        return

    def rewrite(self) -> None:
        """Write the file of an embedded database anew, without remains of what was deleted; raises
        DatabaseError.
        """
        return

    @abstractmethod
    def backup(self, file: Path) -> None:
        """Write a copy of an embedded database, as it stands at one moment, into a new file that
        only its owner may read; raises DatabaseError, for a server with the command that does it.
        """

    def close(self) -> None:
        """Close the connection of the calling thread."""
        self._local.__dict__.pop("connection", None)

    @property
    def _connection(self) -> Any:
        own: _ThreadConnection | None = getattr(self._local, "connection", None)
        # A connection taken through a fork would be shared with the parent.
        if own is None or own.process != os.getpid():
            self._local.connection = own = _ThreadConnection(self._connect())
        return own.connection

    def _with_retries(self, attempt: Callable[[], Result]) -> tuple[Result, bool]:
        """Return what `attempt` returns, and whether it was retried because an answer was lost."""
        if getattr(self._local, "in_transaction", False):
            return attempt(), False
        retried = False
        for number in range(_TRIES - 1):
            try:
                return attempt(), retried
            except ConnectionLost:
                retried = True
                self.close()
            except Conflict:
                time.sleep(_FIRST_PAUSE_SECONDS * 2**number)
        return attempt(), retried

    def _roll_back(self) -> None:
        if getattr(self._local, "connection", None) is None:
            # Given up: the server rolls back by itself, and a new connection may hang as well.
            return
        try:
            self._execute("ROLLBACK", {})
        except DatabaseError:
            self.close()

    @abstractmethod
    def _connect(self) -> Any: ...

    @abstractmethod
    def _execute(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]: ...


class _ThreadConnection:
    """The connection of a thread; closed when the thread ends or lets go of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.process = os.getpid()

    def __del__(self) -> None:
        if self.process == os.getpid():
            # The server may have closed it already.
            with suppress(Exception):
                self.connection.close()


@lru_cache
def with_table(sql: str, table: str, quote: str) -> str:
    """Return a statement with the name of the table in quotes for `{table}`, its suffix within."""
    return re.sub(r"\{table\}(\w*)", rf"{quote}{table}\1{quote}", sql)
