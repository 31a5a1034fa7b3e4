"""Calendar entries, made from the query alone: nothing here can reach the database."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from zoneinfo import ZoneInfo

from ..config import LARGEST_COUNT
from ..domain import identifier, recurrence, validation
from ..views import links
from ..web.request import Request
from ..web.response import Problem, Response

# In the west of Greenwich, UNIX time 0 is still in this year.
_EARLIEST_YEAR = 1969
_ANCHOR = f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{validation.CLOCK_TIME}"


def show_entry(request: Request) -> Response:
    """The entry as a file that calendar programs open."""
    # Slow to import: only who wants an entry pays for it.
    from ..formats import ical

    iid = identifier.parse(request.path_values["file"].removesuffix(".ics"))
    if iid is None or not request.path_values["file"].endswith(".ics"):
        raise Problem(HTTPStatus.NOT_FOUND, "problem_not_found")
    query = request.query
    if query.duplicates:
        raise Problem(HTTPStatus.BAD_REQUEST, "problem_calendar")
    invitation_url = request.url(f"/i/{iid}")
    try:
        rectype = validation.parse_rectype(query["repeat"])
        timezone = validation.parse_timezone(query["timezone"] or "UTC")
        anchor = _anchor(query["anchor"]) if rectype else None
        time = _number(query["time"], recurrence.LATEST_START)
        if rectype:
            time = _start(time, ZoneInfo(timezone), rectype, anchor)
        entry = ical.CalendarEntry(
            iid=iid,
            name=validation.parse_name(query["name"])
            if query["name"]
            else request.texts["unnamed"],
            invitation_url=invitation_url,
            description=request.texts.format("calendar_description", invitation_url=invitation_url),
            time=time,
            duration=_duration(request),
            timezone=timezone,
            rectype=rectype,
            recev=validation.parse_count(query["count"], LARGEST_COUNT),
            anchor=anchor,
            sequence=_number(query["sequence"] or "0", links.LARGEST_SEQUENCE),
            cancelled=_cancelled(query["status"]),
        )
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "problem_calendar") from error
    return Response(
        ical.calendar(entry, request.now),
        headers={
            "Content-Type": ical.CONTENT_TYPE,
            "Content-Disposition": f'attachment; filename="{iid}.ics"',
        },
    )


def _number(text: str, largest: int) -> int:
    if not re.fullmatch("[0-9]{1,12}", text) or int(text) > largest:
        raise ValueError("number")
    return int(text)


def _duration(request: Request) -> int:
    text = request.query["duration"]
    return validation.parse_duration(text) if text else request.config.booking.default_duration


def _anchor(text: str) -> datetime | None:
    if text and not re.fullmatch(_ANCHOR, text):
        raise ValueError("anchor")
    anchor = datetime.fromisoformat(text) if text else None
    if anchor and anchor.year < _EARLIEST_YEAR:
        raise ValueError("anchor")
    return anchor


def _cancelled(text: str) -> bool:
    if text not in ("", "confirmed", "cancelled"):
        raise ValueError("status")
    return text == "cancelled"


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
