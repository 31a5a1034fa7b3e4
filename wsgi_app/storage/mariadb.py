"""MariaDB, and a cluster of such servers."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .database import (
    ANSWER_SECONDS,
    LOCK_SECONDS,
    Conflict,
    ConnectionLost,
    Database,
    DatabaseError,
    DuplicateKey,
    NoAnswer,
    Row,
    Unavailable,
    Unprepared,
    with_table,
)
from .url import DatabaseUrl

if TYPE_CHECKING:
    import pymysql
    from pymysql.cursors import Cursor

_CONNECT_SECONDS = 5
# Galera's bits 1 (reads) and 2 (UPDATE, DELETE): what one node has confirmed, every other one
# finds a moment later.
_WAIT_FOR_CLUSTER = 3
# The errors of a cluster's node that answers but does not serve: read-only, or cut off.
_NOT_SERVING = (1047, 1290, 1836)


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
        words = ["mariadb-dump", "--single-transaction", *self._client_options()]
        command = f"{shlex.join([*words, self.url.name, *tables])} > {shlex.quote(str(file))}"
        raise DatabaseError(f"MariaDB copies itself: (umask 077; set -C; {command})")

    def _client_options(self) -> Iterator[str]:
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
                # Rows are compared when they are written, so reading needs no locks: with fewer
                # of them, a clean-up and a change seldom collide.
                init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                **self._tls,
            )
            connection.query(f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}")
            if _is_in_cluster(connection):
                connection.query(f"SET SESSION wsrep_sync_wait = {_WAIT_FOR_CLUSTER}")
            return connection
        # UnicodeError: what getaddrinfo raises for a host such as a..b; RuntimeError: what PyMySQL
        # raises where the package is missing that this user's way to sign in needs.
        except (pymysql.Error, OSError, UnicodeError, RuntimeError) as error:
            from .mariadb_errors import in_words

            place = self.url.unix_socket or f"{host}:{port}"
            cause = NoAnswer if isinstance(error.__context__, TimeoutError) else Unavailable
            raise cause(f"cannot connect to {place}: {in_words(error)}") from None

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
        # A new list each time: other threads may be iterating over the old one.
        self._hosts = sorted(self._hosts, key=lambda each: each == (host, port))

    def _execute(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]:
        # While it hangs, one thread at a time waits for it: the others have pages to serve.
        alone = self._hangs
        if alone and not self._asking_whether_it_hangs.acquire(blocking=False):
            raise NoAnswer("it hangs")
        try:
            result = self._ask(sql, values)
            self._hangs = False
            return result
        except NoAnswer:
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
            if isinstance(named, ConnectionLost | NoAnswer):
                self._put_last(connection.host, connection.port)
            raise named from None

    def _named(self, error: Exception) -> DatabaseError:
        import pymysql
        from pymysql.constants import CR, ER

        from .mariadb_errors import in_words

        number = error.args[0] if error.args else None
        if number == ER.DUP_ENTRY:
            return DuplicateKey(in_words(error))
        if number == ER.LOCK_DEADLOCK:
            return Conflict(in_words(error))
        if isinstance(error.__context__, TimeoutError):
            return NoAnswer(f"no answer within {self.answer_seconds} seconds")
        lost = (CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, *_NOT_SERVING)
        if number in lost or isinstance(error, OSError | pymysql.InterfaceError):
            return ConnectionLost(in_words(error))
        if number in (ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR):
            return Unprepared(f"{number}: tables missing or older than this program")
        if isinstance(error, pymysql.OperationalError | pymysql.InternalError):
            return Unavailable(in_words(error))
        return DatabaseError(in_words(error))


@lru_cache
def _for_mariadb(sql: str, table: str) -> str:
    statement = with_table(sql, table, "`").replace("%", "%%")
    return re.sub(r":([a-z]\w*)", r"%(\1)s", statement)


def _is_in_cluster(connection: pymysql.Connection[Cursor]) -> bool:
    with connection.cursor() as cursor:
        # A server built without Galera does not know the variable.
        cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
        row = cursor.fetchone()
        return row is not None and row[1] == "ON"
