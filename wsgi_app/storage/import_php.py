"""Taking over the table of the PHP original, as it stands.

It has the columns `iid, aid, rid, time, recev, rectype` and no key, so there may
be duplicate rows and missing values. A table of ours is filled beside it and takes its
place in one step; interrupted before that, nothing has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ..domain import identifier, recurrence
from ..domain.conference import Conference
from . import conferences
from .database import Database, DatabaseError, Row

_BATCH = 500


class _OriginalRow(NamedTuple):
    """A row as the original's table may hold it: any value may be missing."""

    iid: Any
    aid: Any
    rid: Any
    time: Any
    recev: Any
    rectype: Any


class NotUnderstood(Exception):
    """The original's table holds something that cannot be taken over; nothing has been changed."""


def take_over(db: Database, timezone: str | None, create: Callable[[Database], None]) -> list[str]:
    """Replace the configured table, if it is the original's, by ours, and return in words what
    became of its rows.

    `create` makes an empty table of ours in the database it is given; series get
    `timezone`. Raises NotUnderstood, DatabaseError.
    """
    done = []
    if _is_original(db):
        with _alone(db):
            done = _take_over(db, timezone, create)
    # Ours has taken its place.
    if _is_original(db, "_planado_old"):
        db.run("DROP TABLE IF EXISTS {table}_planado_old")
    return done


@contextmanager
def _alone(db: Database) -> Iterator[None]:
    lock = f"{db.table}_takeover"
    locked = db.one("SELECT get_lock(:name, 0)", name=lock)
    if not (locked == (1,) and _is_original(db)):
        raise NotUnderstood("another init-db is at work on this table")
    try:
        # In a cluster such a lock ends at its node; a table is made by one of all.
        in_cluster = db.one("SHOW VARIABLES WHERE variable_name = 'wsrep_on' AND value = 'ON'")
        with _lock_table(db) if in_cluster else nullcontext():
            yield
    finally:
        db.all("SELECT release_lock(:name)", name=lock)


@contextmanager
def _lock_table(db: Database) -> Iterator[None]:
    try:
        db.run("CREATE TABLE {table}_planado_lock (iid BIGINT NOT NULL PRIMARY KEY)")
    except DatabaseError:
        if not _columns(db, "_planado_lock"):
            raise
        raise NotUnderstood(
            "another init-db is at work on this table, or one was interrupted: then drop the "
            f"table {db.table}_planado_lock"
        ) from None
    try:
        if not _is_original(db):
            raise NotUnderstood("another init-db has taken over this table")
        yield
    finally:
        db.run("DROP TABLE IF EXISTS {table}_planado_lock")


def _take_over(db: Database, timezone: str | None, create: Callable[[Database], None]) -> list[str]:
    beside = db.beside("_planado_new")
    rows = db.all("SELECT iid, aid, rid, time, recev, rectype FROM {table}")
    remarks: Counter[str] = Counter()
    taken = list(_conferences(rows, timezone, remarks))
    beside.run("DROP TABLE IF EXISTS {table}")
    create(beside)
    for first in range(0, len(taken), _BATCH):
        beside.transaction(partial(_add, beside, taken[first : first + _BATCH]))
    try:
        db.run("RENAME TABLE {table} TO {table}_planado_old, {table}_planado_new TO {table}")
    except DatabaseError:
        # Retried for want of an answer, it finds that it has happened.
        if _is_original(db):
            raise
    return [
        f"took over {len(taken)} conferences from {len(rows)} rows",
        *(f"{remark} ({number})" for remark, number in remarks.items()),
    ]


def _is_original(db: Database, suffix: str = "") -> bool:
    return _columns(db, suffix) == set(_OriginalRow._fields)


def _columns(db: Database, suffix: str) -> set[str]:
    rows = db.all(
        """
        SELECT lower(column_name)
        FROM information_schema.columns
        WHERE table_schema = database() AND table_name = :name
        """,
        name=db.table + suffix,
    )
    return {str(name) for (name,) in rows}


def _add(db: Database, batch: list[Conference]) -> None:
    for conference in batch:
        conferences.add(db, conference)


def _conferences(
    rows: list[Row], timezone: str | None, remarks: Counter[str]
) -> Iterator[Conference]:
    seen: dict[int, _OriginalRow] = {}
    for row in map(_OriginalRow._make, rows):
        for name in ("iid", "aid", "rid", "time", "recev"):
            if not isinstance(getattr(row, name), int | None):
                raise NotUnderstood(f"the column {name} is not of an integer type")
        if not isinstance(row.rectype, str | None):
            raise NotUnderstood("the column rectype is not of a text type")
        reason = _reason_to_drop(row, seen)
        if reason:
            remarks[reason] += 1
            continue
        seen[row.iid] = row
        yield _conference(row, timezone, remarks)


def _reason_to_drop(row: _OriginalRow, seen: dict[int, _OriginalRow]) -> str:
    """Return why a row can be dropped, empty where it is needed."""
    if not _is_identifier(row.iid):
        return "dropped, as no link leads to them: rows without an invitation number"
    if row.time is None or not 0 <= row.time <= recurrence.LATEST_START:
        return "dropped, as they never take place: rows without a start in the calendar"
    if row.iid not in seen:
        return ""
    if row == seen[row.iid]:
        return "dropped: rows stored twice"
    return "dropped, as only the first was ever found: other rows with the same invitation number"


def _conference(row: _OriginalRow, timezone: str | None, remarks: Counter[str]) -> Conference:
    conference = Conference(
        iid=row.iid,
        aid=_identifier(row.aid, "admin number", remarks),
        rid=_identifier(row.rid, "room", remarks),
        time=row.time,
        recev=0,
        rectype="",
        timezone="",
        anchor="",
    )
    recev = row.recev or 0
    rectype = (row.rectype or "").strip()
    if recev < 0 or (recev and not rectype):
        remarks["repaired to take place once: rows with repetitions and no rhythm, or below 0"] += 1
        recev = 0
    if not recev:
        return conference
    code = recurrence.code_of_original(rectype)
    if code is None:
        raise NotUnderstood(f"the rhythm {rectype!r} is unknown")
    if code != rectype:
        remarks["repaired: rhythms in an older spelling"] += 1
    if timezone is None:
        raise NotUnderstood(
            "there are series: give the zone of the PHP server, such as --timezone Europe/Berlin"
        )
    anchor = recurrence.to_local(row.time, ZoneInfo(timezone)).isoformat(timespec="minutes")
    return conference._replace(recev=recev, rectype=code, timezone=timezone, anchor=anchor)


def _identifier(number: int | None, meaning: str, remarks: Counter[str]) -> int:
    if number is not None and _is_identifier(number):
        return number
    remarks[f"repaired: conferences without {meaning} got a new one"] += 1
    return identifier.draw()


def _is_identifier(number: int | None) -> bool:
    return number is not None and 0 < number < 2**63
