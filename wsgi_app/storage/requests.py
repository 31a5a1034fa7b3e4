"""The keys of requests that must take effect only once (Idempotency-Key), as hashes."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import NamedTuple

from ..domain.conference import Appointment, Conference
from . import conferences
from .database import Database, DuplicateKey, Unavailable


class UsedKey(NamedTuple):
    """What a key was used for: the fingerprint of the request, and the conference it booked."""

    fingerprint: str
    iid: int


def book_once(
    db: Database, appointment: Appointment, key_hash: str, fingerprint: str, now: float
) -> Conference | UsedKey:
    """Store a new conference with fresh identifiers and the key of its request, both or neither,
    and return it; if the key was used before, return what it was used for.
    """
    for _ in range(conferences.TRIES):
        conference = Conference.booked(appointment)
        with suppress(DuplicateKey):
            db.transaction(partial(_add, db, conference, key_hash, fingerprint, now))
            return conference
        used = find_request(db, key_hash)
        if used:
            return used
    raise Unavailable("the key keeps changing")


def _add(db: Database, conference: Conference, key_hash: str, fingerprint: str, now: float) -> None:
    db.run(
        """
        INSERT INTO {table}_requests (key_hash, fingerprint, iid, time)
        VALUES (:key_hash, :fingerprint, :iid, :time)
        """,
        key_hash=key_hash,
        fingerprint=fingerprint,
        iid=conference.iid,
        time=int(now),
    )
    conferences.add(db, conference)


def find_request(db: Database, key_hash: str) -> UsedKey | None:
    """Return what a key was used for, or None."""
    row = db.one(
        "SELECT fingerprint, iid FROM {table}_requests WHERE key_hash = :key_hash",
        key_hash=key_hash,
    )
    return UsedKey(*row) if row else None


def remove_requests(db: Database, before: int) -> None:
    """Forget the keys of requests that were made before an instant."""
    db.run("DELETE FROM {table}_requests WHERE time < :before", before=before)
