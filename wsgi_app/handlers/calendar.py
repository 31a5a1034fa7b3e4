"""Calendar entries, made from the query alone: nothing here can reach the database."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ..config import LARGEST_COUNT
from ..domain import identifier, recurrence, validation
from ..views import links
from ..web.request import Request
from ..web.response import Problem, Response

if TYPE_CHECKING:
    from ..formats import ical

# In the west of Greenwich, UNIX time 0 is still in this year.
_EARLIEST_YEAR = 1969
_ANCHOR = f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{validation.CLOCK_TIME}"


def show_entry(request: Request) -> Response:
    """The entry as a file that calendar programs open."""
    # Slow to import: only requests for an entry pay for it.
    from ..formats import ical

    number, _, ending = request.path_values["file"].partition(".")
    iid = identifier.parse(number)
    if iid is None or ending != "ics":
        raise Problem(HTTPStatus.NOT_FOUND, "problem_not_found")
    try:
        entry = _entry(request, iid)
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "problem_calendar") from error
    return Response(
        ical.calendar(entry, request.now),
        headers={
            "Content-Type": ical.CONTENT_TYPE,
            "Content-Disposition": f'attachment; filename="{iid}.ics"',
        },
    )


def _entry(request: Request, iid: int) -> ical.CalendarEntry:
    """Return the entry that the query asks for; raises ValueError."""
    from ..formats import ical

    query, texts = request.query, request.texts
    if query.duplicates:
        raise ValueError("a field twice")
    rectype = validation.parse_rectype(query["repeat"])
    timezone = validation.parse_timezone(query["timezone"] or "UTC")
    anchor = _anchor(query["anchor"]) if rectype else None
    time = _number(query["time"], recurrence.LATEST_START)
    if rectype:
        time = _start(time, ZoneInfo(timezone), rectype, anchor)
    if query["status"] not in ("", "confirmed", "cancelled"):
        raise ValueError("status")
    duration = query["duration"] or str(request.config.booking.default_duration)
    invitation_url = request.url(f"/i/{iid}")
    return ical.CalendarEntry(
        iid=iid,
        name=validation.parse_name(query["name"]) if query["name"] else texts["unnamed"],
        invitation_url=invitation_url,
        description=texts.format("calendar_description", invitation_url=invitation_url),
        time=time,
        duration=validation.parse_duration(duration),
        timezone=timezone,
        rectype=rectype,
        recev=validation.parse_count(query["count"], LARGEST_COUNT),
        anchor=anchor,
        sequence=_number(query["sequence"] or "0", links.LARGEST_SEQUENCE),
        cancelled=query["status"] == "cancelled",
    )


def _number(text: str, largest: int) -> int:
    if not re.fullmatch("[0-9]{1,12}", text) or int(text) > largest:
        raise ValueError("number")
    return int(text)


def _anchor(text: str) -> datetime | None:
    if not text:
        return None
    if not re.fullmatch(_ANCHOR, text) or int(text[:4]) < _EARLIEST_YEAR:
        raise ValueError("anchor")
    return datetime.fromisoformat(text)


def _start(time: int, zone: ZoneInfo, rectype: str, anchor: datetime | None) -> int:
    """Return the start of the occurrence at `time`; raises ValueError where the series has none.

    A zone that got other rules since the link was made may have moved it.
    """
    anchor = anchor or recurrence.to_local(time, zone)
    since = time - recurrence.LARGEST_SHIFT
    start = next(recurrence.starts(rectype, anchor, zone, since), None)
    if start is None or start > time + recurrence.LARGEST_SHIFT:
        raise ValueError("no occurrence of the series")
    return start
