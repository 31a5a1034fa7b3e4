"""The clean-up: deletes what is past and advances series to their next occurrence."""

from __future__ import annotations

import sys
from functools import partial
from operator import add
from typing import NamedTuple

from .. import log
from ..domain.conference import Conference, OpeningHours
from . import conferences, requests
from .database import Database

# Rows of one transaction: they hold their locks for some tens of milliseconds.
BATCH = 200

# A program that got no answer retries within a day.
KEY_SECONDS = 24 * 60 * 60


class CleanupResult(NamedTuple):
    """How many conferences a clean-up deleted, advanced, and left because it cannot read them."""

    deleted: int = 0
    advanced: int = 0
    left: int = 0


def clean_up(
    db: Database, hours: OpeningHours, now: float, batches: int = sys.maxsize
) -> CleanupResult:
    """Clean up all that is past at `now`, or at most `batches` times BATCH rows; raises
    DatabaseError.
    """
    requests.remove_requests(db, int(now) - KEY_SECONDS)
    cutoff = int(now) - hours.delete_after
    result = CleanupResult()
    after_time, after_iid = -(2**62), 0
    for _ in range(batches):
        past = conferences.list_past(db, cutoff, after_time, after_iid, BATCH)
        if not past:
            break
        cleaned = db.transaction(partial(_clean_batch, db, past, hours, now))
        result = CleanupResult(*map(add, result, cleaned))
        after_time, after_iid = past[-1].time, past[-1].iid
    db.checkpoint()
    if result.left:
        log.error("clean-up left %d series: rhythm or time zone unknown here", result.left)
    return result


def _clean_batch(
    db: Database, past: list[Conference], hours: OpeningHours, now: float
) -> CleanupResult:
    deleted = advanced = left = 0
    if any(conference.recev == 0 for conference in past):
        deleted = conferences.remove_last_occurrences(db, past[0], past[-1])
    for conference in past:
        if conference.recev <= 0:
            continue
        try:
            current = conference.at(now, hours)
        except (ValueError, KeyError):
            # Deleting it would lose a booking to a computer without time zone data.
            left += 1
            continue
        if current is None:
            deleted += conferences.remove_if_unchanged(db, conference)
        else:
            advanced += conferences.replace_if_unchanged(db, conference, current)
    return CleanupResult(deleted, advanced, left)
