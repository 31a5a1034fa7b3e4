"""SQLite: a file that this computer alone uses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from .database import (
    LOCK_SECONDS,
    Database,
    DatabaseError,
    DuplicateKey,
    Outcome,
    Row,
    Unavailable,
    Unprepared,
    with_table,
)

if TYPE_CHECKING:
    import sqlite3

Result = TypeVar("Result")

_CHECKPOINT_MILLISECONDS = 100


class SqliteDatabase(Database):
    """A SQLite file, written by one connection at a time and read by all."""

    dialect = "sqlite"
    _begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, table: str) -> None:
        super().__init__(table)
        self.path = path
        # SQLite lets writers wait in no order; within a process a lock is fair and wakes at once.
        self._writing = threading.RLock()

    def run(self, sql: str, **values: object) -> Outcome:
        with self._writing:
            return super().run(sql, **values)

    def transaction(self, work: Callable[[], Result]) -> Result:
        with self._writing:
            return super().transaction(work)

    def create(self) -> None:
        file = self.path.resolve()
        try:
            # Anyone who can read the file can enter every room.
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return
        except OSError as error:
            raise self._refused(error.strerror) from None
        try:
            _give_away(descriptor, file.parent)
        finally:
            os.close(descriptor)

    def exists(self) -> bool:
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._refused(error.strerror) from None
        return True

    def check_place(self) -> None:
        if not os.access(self.path.resolve().parent, os.W_OK | os.X_OK):
            raise self._refused("its folder is not there, or may not be written")

    def files(self) -> list[Path]:
        # What is in a folder that is closed to this user is reported by the first statement.
        with suppress(PermissionError):
            return [file for file in _files(self.path) if file.exists()]
        return []

    def _refused(self, reason: str | None) -> Unavailable:
        return Unavailable(f"{self.path}: {reason}{_whose(self.path)}")

    def checkpoint(self) -> None:
        with self._writing, suppress(DatabaseError):
            # Writers would wait as long as this waits for readers.
            self._execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MILLISECONDS}", {})
            try:
                self._execute("PRAGMA wal_checkpoint(TRUNCATE)", {})
            finally:
                self._execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}", {})

    def rewrite(self) -> None:
        self.run("VACUUM")
        self.checkpoint()

    def backup(self, file: Path) -> None:
        source: sqlite3.Connection = self._connection
        # Only a complete copy gets the name.
        unfinished = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            try:
                _copy(source, unfinished)
                # Unlike renaming, it replaces nothing.
                os.link(unfinished, file)
                _write_through(file.parent)
            finally:
                unfinished.unlink()
        except OSError as error:
            raise DatabaseError(f"{file}: {error.strerror}") from None

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        with self._named_errors():
            connection = sqlite3.connect(
                # Opening must not make a file: that would hide that the right one is elsewhere.
                f"file:{quote(str(self.path))}?mode=rw",
                uri=True,
                timeout=LOCK_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA journal_mode = WAL")
            # With NORMAL a power cut could take back a booking that was confirmed.
            connection.execute("PRAGMA synchronous = FULL")
            # Deleted rows are overwritten: their numbers opened rooms.
            connection.execute("PRAGMA secure_delete = ON")
            return connection

    def _execute(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]:
        connection: sqlite3.Connection = self._connection
        with self._named_errors():
            cursor = connection.execute(with_table(sql, self.table, '"'), values)
            return cursor.fetchall(), cursor.rowcount

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        import sqlite3

        try:
            yield
        except sqlite3.IntegrityError as error:
            raise DuplicateKey(error.sqlite_errorname) from None
        except sqlite3.OperationalError as error:
            name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            if name == "SQLITE_ERROR":
                raise Unprepared(f"{name}: tables missing or older than this program") from None
            raise self._refused(name) from None
        except sqlite3.DatabaseError as error:
            raise Unavailable(getattr(error, "sqlite_errorname", type(error).__name__)) from None


def _files(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def _give_away(descriptor: int, folder: Path) -> None:
    # SQLite does the same with the files that it makes beside one. Root in a container may not.
    if os.geteuid() == 0:
        owner = folder.stat()
        with suppress(OSError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _whose(path: Path) -> str:
    """Name the owner of the first folder or file of a database that this user may not use."""
    file = path.absolute()
    wanted = dict.fromkeys(reversed(file.parents), os.X_OK)
    wanted[file.parent] = os.W_OK | os.X_OK
    wanted |= dict.fromkeys(_files(file), os.R_OK | os.W_OK)
    for place, access in wanted.items():
        if not place.exists() or os.access(place, access):
            continue
        owner = place.stat().st_uid
        if owner == os.geteuid():
            break
        return f": {place} belongs to {user_name(owner)}, and this is {user_name(os.geteuid())}"
    return ""


def user_name(number: int) -> str:
    """Return the name of a user of this machine, or the number where none is known."""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _copy(source: sqlite3.Connection, file: Path) -> None:
    """Copy a database into an empty file; raises DatabaseError."""
    import sqlite3

    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as copy:
            # An unfinished copy is deleted, so it needs no journal to go back.
            copy.execute("PRAGMA journal_mode = OFF")
            source.backup(copy)
            # One file, which can be read where nothing may be written beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            [found] = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise DatabaseError(getattr(error, "sqlite_errorname", type(error).__name__)) from None
    if found != "ok":
        raise DatabaseError("the database is damaged: restore an older backup")


def _write_through(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
