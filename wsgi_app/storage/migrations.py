"""Tables: applies the files under sql/ that a database has not seen yet, once each, in order."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from .. import log
from .database import Database, DatabaseError, DuplicateKey, Unprepared

# Installed, the folder lies inside the package; in a checkout, beside it.
_FOLDERS = (Path(__file__).parents[1] / "sql", Path(__file__).parents[2] / "sql")


class ForeignTable(Exception):
    """The configured table exists and is not one of this program."""


def pending(db: Database) -> list[str]:
    """Return the names of the migrations that `db` lacks, in order; raises DatabaseError."""
    try:
        rows = db.all("SELECT name FROM {table}_migrations")
    except Unprepared:
        rows = []
    applied = {name for (name,) in rows}
    names = sorted(file.stem for file in _folder(db).iterdir() if file.suffix == ".sql")
    return [name for name in names if name not in applied]


def migrate(db: Database, timezone: str | None = None) -> list[str]:
    """Apply what is pending, and return what was done, in words.

    May be interrupted and run again. Takes over a table of the PHP original,
    whose series get `timezone`. Raises DatabaseError, ForeignTable, NotUnderstood.
    """
    done = []
    db.create()
    if db.dialect == "mariadb":
        from .import_php import take_over

        done = take_over(db, timezone, lambda table: _run_file(table, "0001_conferences"))
    db.run("CREATE TABLE IF NOT EXISTS {table}_migrations (name VARCHAR(64) NOT NULL PRIMARY KEY)")
    names = pending(db)
    for name in names:
        _apply(db, name)
    return done + [f"applied {name}" for name in names]


def prepare(db: Database) -> None:
    """Make the tables of an embedded database; `planado.py init-db` makes those of a server."""
    if db.dialect != "sqlite":
        return
    try:
        if not db.exists() or pending(db):
            migrate(db)
    except (DatabaseError, ForeignTable) as error:
        log.error("database: %s", error)


def make_where_empty(db: Database) -> bool:
    """Make the tables in a server's database that has none at all, and say whether they are there
    now; raises DatabaseError.
    """
    if db.dialect != "mariadb":
        return False
    lock = f"{db.table}_tables"
    # Whoever comes second must find all of the tables.
    db.all("SELECT get_lock(:name, 5)", name=lock)
    try:
        # One with tables of others, or with ours under another name, may be there by mistake.
        if not db.one("SELECT 1 FROM information_schema.tables WHERE table_schema = database()"):
            _make_first_tables(db)
        return not pending(db)
    finally:
        db.all("SELECT release_lock(:name)", name=lock)


def _make_first_tables(db: Database) -> None:
    try:
        migrate(db)
    except DatabaseError as error:
        raise Unprepared(f"the database has no table, and they cannot be made: {error}") from None


def _apply(db: Database, name: str) -> None:
    # MariaDB commits at each CREATE or ALTER, so the files themselves are safe to run again.
    try:
        _run_file(db, name)
        db.all("SELECT iid, aid, rid, time, recev, rectype, timezone, anchor FROM {table} LIMIT 1")
    except Unprepared:
        raise ForeignTable(f"the table {db.table} exists with other columns") from None
    # Another process may have applied it at the same time.
    with suppress(DuplicateKey):
        db.run("INSERT INTO {table}_migrations (name) VALUES (:name)", name=name)


def _run_file(db: Database, name: str) -> None:
    script = re.sub(r"--.*", "", (_folder(db) / f"{name}.sql").read_text("utf-8"))
    for statement in filter(None, map(str.strip, script.split(";"))):
        db.run(statement)


def _folder(db: Database) -> Path:
    return next(folder for folder in _FOLDERS if folder.is_dir()) / db.dialect
