"""Every question asked of the database, one function each.

No decision is taken here but one: a series is never read at an occurrence that
is over. All writes are safe to happen twice: an INSERT carries its own key, an
UPDATE names the whole row it expects to find, and what a DELETE names is gone
for good.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ..domain import identifier
from ..domain.conference import Appointment, Conference, OpeningHours
from .database import Database, DuplicateKey, Unavailable

TRIES = 10
"""How often a write is tried before it is given up because others are always faster."""

After = TypeVar("After", bound=Conference | None)


class _TakenBack(Exception):
    """The transaction has done its work and may be rolled back."""


def find(db: Database, iid: int, hours: OpeningHours, now: float) -> Conference | None:
    """Return the conference as it stands at `now`, advanced to its current occurrence; None if
    unknown or past.
    """

    def advance() -> tuple[Conference | None, Conference | None]:
        stored = _find_row(db, iid)
        current = stored.at(now, hours) if stored else None
        # What is past is left to the clean-up.
        return (stored if current and current != stored else None), current

    # A new occurrence's room must be the same for all, so it is stored before anybody learns it.
    return _store(db, advance)


def update(
    db: Database, find: Callable[[], Conference], change: Callable[[Conference], After]
) -> After:
    """Store what `change` makes of the conference that `find` returns, None deleting it, and
    return it.

    Both are called again whenever somebody else was faster. What they raise
    passes through, the row as it was; raises Unavailable if it keeps changing.
    """

    def attempt() -> tuple[Conference, After]:
        before = find()
        return before, change(before)

    return _store(db, attempt)


def book(db: Database, appointment: Appointment) -> Conference:
    """Store a new conference with fresh identifiers and return it."""
    while True:
        conference = Conference.booked(appointment)
        # Sixteen random digits are taken already once in a quadrillion bookings.
        with suppress(DuplicateKey):
            add(db, conference)
            return conference


def add(db: Database, conference: Conference) -> None:
    """Store a new conference; raises DuplicateKey where another one has its `iid`."""
    try:
        db.run(
            """
            INSERT INTO {table} (iid, aid, rid, time, recev, rectype, timezone, anchor)
            VALUES (:iid, :aid, :rid, :time, :recev, :rectype, :timezone, :anchor)
            """,
            **conference._asdict(),
        )
    except DuplicateKey:
        # The same row is our own, its first answer lost on the way.
        if _find_row(db, conference.iid) != conference:
            raise


def replace_if_unchanged(db: Database, before: Conference, after: Conference) -> bool:
    """Replace `before` by `after` if the row still is as it was; say whether the row now is
    `after`.
    """
    outcome = db.run(
        """
        UPDATE {table}
        SET rid = :rid, time = :time, recev = :recev, rectype = :rectype,
            timezone = :timezone, anchor = :anchor
        WHERE iid = :iid AND aid = :aid AND rid = :old_rid AND time = :old_time
          AND recev = :old_recev AND rectype = :old_rectype
          AND timezone = :old_timezone AND anchor = :old_anchor
        """,
        **after._asdict(),
        **_prefixed(before),
    )
    return outcome.matched == 1 or _find_row(db, after.iid) == after


def remove(db: Database, iid: int, aid: int) -> None:
    """Delete the conference."""
    db.run("DELETE FROM {table} WHERE iid = :iid AND aid = :aid", iid=iid, aid=aid)


def list_past(
    db: Database, cutoff: int, after_time: int, after_iid: int, limit: int
) -> list[Conference]:
    """Return rows whose `time` is at or before `cutoff`, by time and iid, that come after the
    given pair.
    """
    rows = db.all(
        """
        SELECT iid, aid, rid, time, recev, rectype, timezone, anchor
        FROM {table}
        WHERE time <= :cutoff
          AND (time > :after_time OR (time = :after_time AND iid > :after_iid))
        ORDER BY time, iid
        LIMIT :limit
        """,
        cutoff=cutoff,
        after_time=after_time,
        after_iid=after_iid,
        limit=limit,
    )
    return [Conference(*row) for row in rows]


def remove_last_occurrences(db: Database, first: Conference, last: Conference) -> int:
    """Delete the rows between two of `list_past` that have no repetition left; return how many."""
    outcome = db.run(
        """
        DELETE FROM {table}
        WHERE recev = 0
          AND time BETWEEN :first_time AND :last_time
          AND (time > :first_time OR iid >= :first_iid)
          AND (time < :last_time OR iid <= :last_iid)
        """,
        first_time=first.time,
        first_iid=first.iid,
        last_time=last.time,
        last_iid=last.iid,
    )
    return outcome.matched


def remove_if_unchanged(db: Database, conference: Conference) -> bool:
    """Delete a row if it still is as it was; say whether it was deleted."""
    outcome = db.run(
        """
        DELETE FROM {table}
        WHERE iid = :old_iid AND aid = :old_aid AND rid = :old_rid AND time = :old_time
          AND recev = :old_recev AND rectype = :old_rectype
          AND timezone = :old_timezone AND anchor = :old_anchor
        """,
        **_prefixed(conference),
    )
    # Retried, it finds its own work done.
    return outcome.matched == 1 or (outcome.retried and _find_row(db, conference.iid) is None)


def ping(db: Database) -> None:
    """Ask whether the table can be read; raises DatabaseError."""
    db.one("SELECT iid FROM {table} LIMIT 1")


def try_to_write(db: Database) -> None:
    """Ask whether a row can be stored, and leave none behind; raises DatabaseError."""
    # Below zero it is nobody's; it is random so that two checks do not wait for each other.
    iid = -identifier.draw()

    def work() -> None:
        # So far ahead that no clean-up finds it.
        db.run(
            "INSERT INTO {table} (iid, aid, rid, time) VALUES (:iid, 0, 0, :time)",
            iid=iid,
            time=2**62,
        )
        if db.dialect == "mariadb":
            # Replicas and a binary log need not hear of it.
            raise _TakenBack
        # SQLite meets a full disk only when it commits.
        db.run("DELETE FROM {table} WHERE iid = :iid", iid=iid)

    with suppress(_TakenBack):
        db.transaction(work)


def _store(db: Database, attempt: Callable[[], tuple[Conference | None, After]]) -> After:
    """Put the second row of what `attempt` returns in the place of the first, if there is a first
    one, and return the second.
    """
    for _ in range(TRIES):
        before, after = attempt()
        if before is None:
            return after
        if after is None:
            stored = remove_if_unchanged(db, before)
        else:
            stored = replace_if_unchanged(db, before, after)
        if stored:
            return after
    raise Unavailable("the row keeps changing")


def _find_row(db: Database, iid: int) -> Conference | None:
    row = db.one(
        """
        SELECT aid, rid, time, recev, rectype, timezone, anchor
        FROM {table}
        WHERE iid = :iid
        """,
        iid=iid,
    )
    return Conference(iid, *row) if row else None


def _prefixed(conference: Conference) -> dict[str, int | str]:
    return {f"old_{column}": value for column, value in conference._asdict().items()}
