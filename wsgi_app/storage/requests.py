"""The keys of requests that shall have an effect only once (Idempotency-Key), as hashes."""

from __future__ import annotations

from ..domain.conference import Conference
from .conferences import IdentifierTaken, add_conference
from .database import Database, DuplicateKey


def add_conference_once(
    db: Database, conference: Conference, key_hash: str, fingerprint: str, now: float
) -> None:
    """Store a new conference and the key it was asked for with; raises IdentifierTaken.

    Both are stored or none. IdentifierTaken is raised for a key that was used
    before, too: `find_request` finds what for.
    """

    def work() -> None:
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
        add_conference(db, conference)

    try:
        db.transaction(work)
    except DuplicateKey:
        raise IdentifierTaken from None


def find_request(db: Database, key_hash: str) -> tuple[str, int] | None:
    """Return fingerprint and invitation identifier of the request with this key, or None."""
    row = db.one(
        "SELECT fingerprint, iid FROM {table}_requests WHERE key_hash = :key_hash",
        key_hash=key_hash,
    )
    return (str(row[0]), int(row[1])) if row else None


def remove_requests(db: Database, before: int) -> None:
    """Forget the keys of requests that were made before an instant."""
    db.run("DELETE FROM {table}_requests WHERE time < :before", before=before)
