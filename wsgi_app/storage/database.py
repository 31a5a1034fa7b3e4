"""Database: statements over SQLite or MariaDB, on one connection per thread.

Here are connections, transactions, repeats and named errors; no question is
asked here. Statements are written once for both: `:name` is a parameter,
`{table}` the configured table, `{table}_suffix` a name derived from it.

A statement whose answer was lost is sent again on a new connection, so each
one must be safe to happen twice.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from copy import copy
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from .url import DatabaseUrl

if TYPE_CHECKING:
    import sqlite3

    import pymysql
    from pymysql.cursors import Cursor

Row = tuple[Any, ...]
"""The values of a row, in the order in which the statement names its columns."""

Result = TypeVar("Result")

# Waits of 10 ms, then twice as long each time: a second and a quarter in all.
_TRIES = 8
_FIRST_PAUSE_SECONDS = 0.01
_CONNECT_SECONDS = 5
_LOCK_SECONDS = 5
_CHECKPOINT_MILLISECONDS = 100
# Longer than a lock is waited for; a server that hangs may not hold up the pages for long.
ANSWER_SECONDS = 10
# Galera's bits 1 (reads) and 2 (UPDATE, DELETE): what was confirmed through one node is there
# through each other one a moment later.
_WAIT_FOR_CLUSTER = 3
# What a node of a cluster says that answers and does not serve: read-only, or cut off.
_NOT_SERVING = (1047, 1290, 1836)


class DatabaseError(Exception):
    """The database did not do it; the text names the cause by number or name, never a value."""


class Unavailable(DatabaseError):
    """The database is away, busy, full or read-only: asking again later may help."""


class Unprepared(Unavailable):
    """The tables are missing or older than this program: `planado.py init-db` helps."""


class DuplicateKey(DatabaseError):
    """A row with this primary key exists."""


class _Conflict(Unavailable):
    """Another transaction won; the same one may succeed when run again."""


class _ConnectionLost(Unavailable):
    """No answer arrived, or none will on this connection; the statement may have happened."""


class _NoAnswer(Unavailable):
    """The server hangs; asked again, it would hang again."""


class Database(ABC):
    """One database, shared by all threads; each opens its own connection at its first statement."""

    dialect: str

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
        return self._repeated(lambda: self._execute(sql, values)[0])

    def run(self, sql: str, **values: object) -> int:
        """Carry out a statement and return how many rows it matched; raises DatabaseError."""
        return self._repeated(lambda: self._execute(sql, values)[1])

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

        return self._repeated(attempt)

    @property
    def asked_again(self) -> bool:
        """Whether the calling thread's last statement, or its transaction, was sent again because
        an answer was lost.
        """
        return getattr(self._local, "asked_again", False)

    def create(self) -> None:
        """Make the file of an embedded database, which root gives to who owns the folder; raises
        DatabaseError.
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
        """Let an embedded database clear its files of what was deleted, and have all that is stored
        in the one of its name; what somebody else's work holds up is left for the next time.
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
        self._local.__dict__.pop("kept", None)

    @property
    def _connection(self) -> Any:
        kept: _Kept | None = getattr(self._local, "kept", None)
        # A connection taken through a fork would be shared with the parent.
        if kept is None or kept.process != os.getpid():
            self._local.kept = kept = _Kept(self._connect())
        return kept.connection

    def _repeated(self, attempt: Callable[[], Result]) -> Result:
        if getattr(self._local, "in_transaction", False):
            return attempt()
        self._local.asked_again = False
        for number in range(_TRIES - 1):
            try:
                return attempt()
            except _ConnectionLost:
                self._local.asked_again = True
                self.close()
            except _Conflict:
                time.sleep(_FIRST_PAUSE_SECONDS * 2**number)
        return attempt()

    def _roll_back(self) -> None:
        if getattr(self._local, "kept", None) is None:
            # Given up: the server rolls back by itself, and a new connection may hang as well.
            return
        try:
            self._execute("ROLLBACK", {})
        except DatabaseError:
            self.close()

    @property
    @abstractmethod
    def _begin(self) -> str: ...

    @abstractmethod
    def _connect(self) -> Any: ...

    @abstractmethod
    def _execute(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]: ...


class _Kept:
    """The connection of a thread; closed when the thread ends or lets go of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.process = os.getpid()

    def __del__(self) -> None:
        if self.process == os.getpid():
            # The server may have closed it already.
            with suppress(Exception):
                self.connection.close()


class SqliteDatabase(Database):
    """A SQLite file, written by one connection at a time and read by all."""

    dialect = "sqlite"
    _begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, table: str) -> None:
        super().__init__(table)
        self.path = path
        # SQLite lets writers wait in no order; within a process a lock is fair and wakes at once.
        self._writing = threading.RLock()

    def run(self, sql: str, **values: object) -> int:
        with self._writing:
            return super().run(sql, **values)

    def transaction(self, work: Callable[[], Result]) -> Result:
        with self._writing:
            return super().transaction(work)

    def create(self) -> None:
        file = self.path.resolve()
        try:
            # Who may read the file may enter every room.
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
        beside = (self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal", "-shm"))
        return [file for file in beside if file.exists()]

    def _refused(self, reason: str | None) -> Unavailable:
        return Unavailable(f"{self.path}: {reason}{_whose(self.path)}")

    def checkpoint(self) -> None:
        with self._writing, suppress(DatabaseError):
            # Who writes would wait as long as it does for those who read.
            self._execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MILLISECONDS}", {})
            try:
                self._execute("PRAGMA wal_checkpoint(TRUNCATE)", {})
            finally:
                self._execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1000}", {})

    def rewrite(self) -> None:
        self.run("VACUUM")
        self.checkpoint()

    def backup(self, file: Path) -> None:
        source: sqlite3.Connection = self._connection
        # Its name is given to what is whole only.
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
                # Opening may not make a file: that would hide that the right one lies elsewhere.
                f"file:{quote(str(self.path))}?mode=rw",
                uri=True,
                timeout=_LOCK_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA journal_mode = WAL")
            # With NORMAL a power cut could take back a booking that was confirmed.
            connection.execute("PRAGMA synchronous = FULL")
            # What is deleted is overwritten: its numbers opened doors.
            connection.execute("PRAGMA secure_delete = ON")
            return connection

    def _execute(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]:
        connection: sqlite3.Connection = self._connection
        with self._named_errors():
            cursor = connection.execute(_for_sqlite(sql, self.table), values)
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


def _give_away(descriptor: int, folder: Path) -> None:
    # SQLite does the same with the files that it makes beside one. Root in a container may not.
    if os.geteuid() == 0:
        owner = folder.stat()
        with suppress(OSError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _whose(path: Path) -> str:
    """Say to whom a SQLite file or a folder on the way to it belongs, where this user may not use
    it.
    """
    file = path.absolute()
    wanted = dict.fromkeys(reversed(file.parents), os.X_OK)
    wanted[file.parent] = os.W_OK | os.X_OK
    for suffix in ("", "-wal", "-shm"):
        wanted[file.with_name(file.name + suffix)] = os.R_OK | os.W_OK
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
            # Half of a copy is thrown away: it needs no journal to go back.
            copy.execute("PRAGMA journal_mode = OFF")
            source.backup(copy)
            # One file, that can be read where nothing may be written beside it.
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


class MariaDatabase(Database):
    """A MariaDB database, reached over the first of its hosts that answers."""

    dialect = "mariadb"
    _begin = "START TRANSACTION"

    def __init__(
        self, url: DatabaseUrl, table: str, folder: Path, answer_seconds: int = ANSWER_SECONDS
    ) -> None:
        super().__init__(table)
        self.url = url
        self.folder = folder
        self.answer_seconds = answer_seconds
        self._hosts = list(url.hosts or [("localhost", 3306)])
        self._hangs = False
        self._asking_whether_it_hangs = threading.Lock()

    def backup(self, file: Path) -> None:
        tables = [self.table + suffix for suffix in ("", "_migrations", "_requests")]
        words = ["mariadb-dump", "--single-transaction", *self._options_of_its_programs()]
        command = f"{shlex.join([*words, self.url.name, *tables])} > {shlex.quote(str(file))}"
        raise DatabaseError(f"MariaDB copies itself: (umask 077; set -C; {command})")

    def _options_of_its_programs(self) -> Iterator[str]:
        yield f"--user={self.url.user}"
        if self.url.password or self.url.password_file:
            yield "--password"
        if self.url.unix_socket:
            yield f"--socket={self.url.unix_socket}"
            return
        host, port = self._hosts[0]
        yield from (f"--host={host}", f"--port={port}")
        yield "--ssl-verify-server-cert" if self.url.tls else "--skip-ssl"
        if self._tls_ca:
            yield f"--ssl-ca={self._tls_ca}"

    def _connect(self) -> pymysql.Connection[Cursor]:
        last_error: DatabaseError | None = None
        for host, port in self._hosts:
            try:
                return self._connect_to(host, port)
            except DatabaseError as error:
                last_error = error
                self._put_last(host, port)
        assert last_error  # nosec B101: for the type checker
        raise last_error

    def _connect_to(self, host: str, port: int) -> pymysql.Connection[Cursor]:
        import pymysql
        from pymysql.constants import CLIENT

        try:
            password = self.url.read_password(self.folder)
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"password_file: {type(error).__name__}") from None
        try:
            connection = pymysql.connect(
                host=host,
                port=port,
                unix_socket=self.url.unix_socket or None,
                user=self.url.user,
                password=password,
                database=self.url.name,
                charset="utf8mb4",
                autocommit=True,
                # A compare-and-swap counts the rows it matched, not those it altered.
                client_flag=CLIENT.FOUND_ROWS,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=self.answer_seconds,
                write_timeout=self.answer_seconds,
                # Rows are compared when they are written, so none needs to be locked for being
                # read: with less locked, a clean-up and a change seldom meet.
                init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                **self._tls,
            )
            connection.query(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_SECONDS}")
            if _is_in_cluster(connection):
                connection.query(f"SET SESSION wsrep_sync_wait = {_WAIT_FOR_CLUSTER}")
            return connection
        # UnicodeError: what getaddrinfo raises for a host such as a..b; RuntimeError: what PyMySQL
        # raises for want of a package that this user's way to sign in takes.
        except (pymysql.Error, OSError, UnicodeError, RuntimeError) as error:
            place = self.url.unix_socket or f"{host}:{port}"
            cause = _NoAnswer if isinstance(error.__context__, TimeoutError) else Unavailable
            raise cause(f"cannot connect to {place}: {_in_words(error)}") from None

    @cached_property
    def _tls(self) -> dict[str, Any]:
        # Building the context costs more than all the rest of a connection; PyMySQL tries TLS
        # unless told not to.
        if not self.url.tls or self.url.unix_socket:
            return {"ssl_disabled": True}
        import ssl

        try:
            return {"ssl": ssl.create_default_context(cafile=self._tls_ca)}
        except OSError as error:
            raise Unavailable(f"tls_ca: {type(error).__name__}") from None

    @property
    def _tls_ca(self) -> Path | None:
        return self.folder / self.url.tls_ca if self.url.tls_ca else None

    def _put_last(self, host: str, port: int) -> None:
        """Let the next connections begin with other hosts, where there are several."""
        # A list of its own each time: other threads may be walking along the old one.
        self._hosts = sorted(self._hosts, key=lambda each: each == (host, port))

    def _execute(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]:
        # While it hangs, one thread at a time waits for it: the others have pages to serve.
        alone = self._hangs
        if alone and not self._asking_whether_it_hangs.acquire(blocking=False):
            raise _NoAnswer("it hangs")
        try:
            result = self._ask(sql, values)
            self._hangs = False
            return result
        except _NoAnswer:
            # Where there are several hosts, the next one is asked.
            self._hangs = len(self._hosts) == 1
            raise
        finally:
            if alone:
                self._asking_whether_it_hangs.release()

    def _ask(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]:
        import pymysql

        connection = self._connection
        try:
            with connection.cursor() as cursor:
                cursor.execute(_for_mariadb(sql, self.table), values)
                return list(cursor.fetchall()), cursor.rowcount
        except (pymysql.Error, OSError) as error:
            named = self._named(error)
            if isinstance(named, _ConnectionLost | _NoAnswer):
                self._put_last(connection.host, connection.port)
            raise named from None

    def _named(self, error: Exception) -> DatabaseError:
        import pymysql
        from pymysql.constants import CR, ER

        number = _number(error)
        if number == ER.DUP_ENTRY:
            return DuplicateKey(_in_words(error))
        if number == ER.LOCK_DEADLOCK:
            return _Conflict(_in_words(error))
        if isinstance(error.__context__, TimeoutError):
            return _NoAnswer(f"no answer within {self.answer_seconds} seconds")
        lost = (CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, *_NOT_SERVING)
        if number in lost or isinstance(error, OSError | pymysql.InterfaceError):
            return _ConnectionLost(_in_words(error))
        if number in (ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR):
            return Unprepared(f"{number}: tables missing or older than this program")
        if isinstance(error, pymysql.OperationalError | pymysql.InternalError):
            return Unavailable(_in_words(error))
        return DatabaseError(_in_words(error))


def open_database(
    url: DatabaseUrl, table: str, folder: Path, answer_seconds: int = ANSWER_SECONDS
) -> Database:
    """Return the database that `url` names, its relative paths taken from `folder`.

    It connects at the first statement. A MariaDB that does not answer one within
    `answer_seconds` counts as away.
    """
    if url.scheme == "sqlite":
        return SqliteDatabase(folder / url.name, table)
    return MariaDatabase(url, table, folder, answer_seconds)


@lru_cache
def _for_sqlite(sql: str, table: str) -> str:
    return _with_table(sql, table, '"')


@lru_cache
def _for_mariadb(sql: str, table: str) -> str:
    statement = _with_table(sql, table, "`").replace("%", "%%")
    return re.sub(r":([a-z]\w*)", r"%(\1)s", statement)


def _with_table(sql: str, table: str, quote: str) -> str:
    return re.sub(r"\{table\}(\w*)", rf"{quote}{table}\1{quote}", sql)


def _is_in_cluster(connection: pymysql.Connection[Cursor]) -> bool:
    with connection.cursor() as cursor:
        # A server built without Galera does not know the variable.
        cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
        row = cursor.fetchone()
        return row is not None and row[1] == "ON"


def _in_words(error: Exception) -> str:
    from .mariadb_errors import in_words

    return in_words(error)


def _number(error: Exception) -> int | str:
    number = error.args[0] if error.args else ""
    return number if isinstance(number, int) else type(error).__name__
