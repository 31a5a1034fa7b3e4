"""The domain: a conference, its opening hours, and what it is at a given moment.

Pure: `now` is a parameter. Instants are UNIX seconds, spans are seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from . import identifier, recurrence


class OpeningHours(NamedTuple):
    """When rooms open and conferences end: seconds before and after each start."""

    open_before: int
    delete_after: int


class Limits(NamedTuple):
    """What the operator allows: days until the first start, repetitions of a series."""

    max_days_ahead: int
    max_count: int


class Appointment(NamedTuple):
    """What somebody books: a first start and the repetitions that follow it.

    `start` is a local time in `timezone`, `rectype` a recurrence code, or empty for
    a one-off, whose `recev` repetitions are 0.
    """

    start: datetime
    timezone: str
    rectype: str
    recev: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def time(self) -> int:
        """The instant of the first start."""
        return recurrence.to_instant(self.start, self.zone)

    @property
    def columns(self) -> tuple[int, int, str, str, str]:
        """What a row stores of it, from `time` to `anchor`: only a series needs zone and anchor."""
        if not self.rectype:
            return self.time, self.recev, "", "", ""
        anchor = self.start.isoformat(timespec="minutes")
        return self.time, self.recev, self.rectype, self.timezone, anchor


class Conference(NamedTuple):
    """One row: an appointment or a series of them. `timezone` and `anchor` are empty for a one-off.

    `anchor` is the local time, YYYY-MM-DDTHH:MM, at which the series first started.
    """

    iid: int
    aid: int
    rid: int
    time: int
    recev: int
    rectype: str
    timezone: str
    anchor: str

    @staticmethod
    def booked(appointment: Appointment) -> Conference:
        """Return a new conference, each of its identifiers freshly drawn."""
        iid, aid, rid = identifier.draw(), identifier.draw(), identifier.draw()
        return Conference(iid, aid, rid, *appointment.columns)

    def changed(self, appointment: Appointment) -> Conference:
        """Return this conference with another appointment; a new start gets a new room."""
        if appointment == self.appointment(appointment.timezone):
            return self
        rid = self.rid if appointment.time == self.time else identifier.draw()
        changed = Conference(self.iid, self.aid, rid, *appointment.columns)
        return changed._replace(anchor=self._kept_anchor(appointment) or changed.anchor)

    def appointment(self, timezone: str) -> Appointment:
        """Return what is still to come; `timezone` serves a one-off, which stores none."""
        timezone = self.timezone or timezone
        start = recurrence.to_local(self.time, ZoneInfo(timezone))
        rectype = self.rectype if self.recev else ""
        return Appointment(start, timezone, rectype, self.recev)

    def renewed(self) -> Conference:
        """Return this conference with a new secret room."""
        return self._replace(rid=identifier.draw())

    def skipped(self) -> Conference | None:
        """Return this series without its current occurrence and with a new room, or None where no
        other follows.
        """
        for start, recev in self.occurrences():
            if start > self.time:
                return self._replace(time=start, recev=recev, rid=identifier.draw())
        return None

    def last_start(self) -> int:
        """Return the start of the last occurrence; raises as `occurrences` does."""
        if not self.rectype:
            return self.time
        return recurrence.last_start(*self._series, self.recev)

    def occurrences(self) -> Iterator[tuple[int, int]]:
        """Yield each start from the current occurrence on with the repetitions that follow it.

        Raises ValueError or KeyError where recurrence or zone are unknown here.
        """
        starts = iter([self.time])
        if self.rectype:
            starts = recurrence.starts(*self._series)
        previous = None
        for recev, start in zip(range(self.recev, -1, -1), starts, strict=False):
            if start != previous:
                yield start, recev
            previous = start

    def at(self, now: float, hours: OpeningHours) -> Conference | None:
        """Return the conference as it is at `now`, None if past; a series that has advanced to its
        next occurrence has a new room.
        """
        if not self.rectype:
            return self if now < self.time + hours.delete_after else None
        after_last = (sys.maxsize, 0)
        for (start, recev), (following, _) in pairwise(chain(self.occurrences(), [after_last])):
            # The next occurrence opens on time, however late the operator deletes conferences.
            if now < min(start + hours.delete_after, following - hours.open_before):
                rid = self.rid if recev == self.recev else identifier.draw()
                return self._replace(time=start, recev=recev, rid=rid)
        return None

    def opens_at(self, hours: OpeningHours) -> int:
        """Return the instant at which the current occurrence's room opens."""
        return self.time - hours.open_before

    def is_open(self, now: float, hours: OpeningHours) -> bool:
        """Say whether guests may enter, of a conference as it is at `now`."""
        return self.opens_at(hours) <= now

    def admits(self, aid: int) -> bool:
        """Say whether `aid` is the admin identifier, in a time that does not tell how much of it
        is right.
        """
        import hmac  # Slow to load, and guests never need it.

        return hmac.compare_digest(str(self.aid), str(aid))

    @property
    def _series(self) -> tuple[str, datetime, ZoneInfo, int]:
        """The recurrence code, the first start and its zone, and since when starts count."""
        # Since `time` was stored, the zone may have got other rules; its clock time counts.
        since = self.time - recurrence.LARGEST_SHIFT
        return self.rectype, datetime.fromisoformat(self.anchor), ZoneInfo(self.timezone), since

    def _kept_anchor(self, appointment: Appointment) -> str:
        """Return the anchor that keeps a changed series on its days, empty where it gets others.

        A change of the hour alone must not turn "the last day of the month" into "the 28th".
        """
        same_day = self.appointment(appointment.timezone).start.date() == appointment.start.date()
        if not self.rectype or self.rectype != appointment.rectype or not same_day:
            return ""
        first_day = datetime.fromisoformat(self.anchor)
        anchor = datetime.combine(first_day, appointment.start.time())
        if appointment.time == self.time and appointment.timezone == self.timezone:
            anchor = first_day  # Also on a day when a clock change moves the start.
        starts = recurrence.starts(self.rectype, anchor, appointment.zone, appointment.time)
        kept = next(starts, None) == appointment.time
        return anchor.isoformat(timespec="minutes") if kept else ""
