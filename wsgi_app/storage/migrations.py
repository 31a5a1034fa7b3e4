"""Tables: applies the files under sql/ that a database has not seen yet, once each, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    return [file.stem for file in _files(db) if file.stem not in applied]


def migrate(db: Database, timezone: str | None = None) -> list[str]:
    """Apply what is pending, and return what was done, in words.

    May be interrupted and run again. Takes over a table of the PHP original,
    whose series get `timezone`. Raises DatabaseError, ForeignTable, NotUnderstood.
    """
    done = []
    db.create()
    if db.dialect == "mariadb":
        from .import_php import take_over

        done = take_over(db, timezone, _create_table)
    db.run("CREATE TABLE IF NOT EXISTS {table}_migrations (name VARCHAR(64) NOT NULL PRIMARY KEY)")
    names = pending(db)
    for file in _files(db):
        if file.stem in names:
            _apply(db, file)
    return done + [f"applied {name}" for name in names]


def _create_table(db: Database) -> None:
    for statement in _statements(_files(db)[0].read_text("utf-8")):
        db.run(statement)


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
    # Who comes second finds the tables, not half of them.
    db.all("SELECT get_lock(:name, 5)", name=lock)
    try:
        if _has_no_table(db):
            _make_first_tables(db)
        return not pending(db)
    finally:
        db.all("SELECT release_lock(:name)", name=lock)


def _make_first_tables(db: Database) -> None:
    try:
        migrate(db)
    except DatabaseError as error:
        raise Unprepared(f"the database has no table, and they cannot be made: {error}") from None


def _has_no_table(db: Database) -> bool:
    # One with tables of others, or with ours under another name, may be there by mistake.
    return db.one("SELECT 1 FROM information_schema.tables WHERE table_schema = database()") is None


def _apply(db: Database, file: Path) -> None:
    # MariaDB commits at each CREATE or ALTER, so the files themselves are safe to run again.
    try:
        for statement in _statements(file.read_text("utf-8")):
            db.run(statement)
        db.all("SELECT iid, aid, rid, time, recev, rectype, timezone, anchor FROM {table} LIMIT 1")
    except Unprepared:
        raise ForeignTable(f"the table {db.table} exists with other columns") from None
    # Another process may have applied it at the same time.
    with suppress(DuplicateKey):
        db.run("INSERT INTO {table}_migrations (name) VALUES (:name)", name=file.stem)


def _files(db: Database) -> list[Path]:
    folder = next(folder for folder in _FOLDERS if folder.is_dir())
    return sorted(file for file in (folder / db.dialect).iterdir() if file.suffix == ".sql")


def _statements(script: str) -> Iterator[str]:
    code = re.sub(r"--.*", "", script)
    return (statement.strip() for statement in code.split(";") if statement.strip())
