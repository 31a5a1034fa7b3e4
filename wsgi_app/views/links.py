"""Every link that is sent around: to our own pages, into calendar programs, into a mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from ..config import LARGEST_COUNT
from ..domain import recurrence
from ..domain.conference import Conference
from ..domain.validation import Booking
from ..web.request import Request

# Windows cuts a mailto: link at about 2000 characters (seen in practice).
LONGEST_MAILTO = 2000

# An INTEGER of RFC 5545 (section 3.3.8).
LARGEST_SEQUENCE = 2**31 - 1

_SEQUENCE_EPOCH = 1767225600  # 2026-01-01T00:00:00Z


def invitation_url(request: Request, conference: Conference) -> str:
    """Return the link that guests get."""
    return request.url(f"/i/{conference.iid}")


def name_fragment(name: str) -> str:
    """Return a name as the fragment of an invitation link, which browsers send to no server."""
    return quote(name, safe="")


def named_invitation_url(request: Request, conference: Conference, name: str) -> str:
    """Return the invitation link with the name of the conference in its fragment."""
    return invitation_url(request, conference) + (name and f"#{name_fragment(name)}")


def admin_path(conference: Conference, action: str = "") -> str:
    """Return the path of the admin page or of an action on it."""
    return f"/admin/{conference.iid}/{conference.aid}" + (action and f"/{action}")


def full_admin_path(conference: Conference, booking: Booking, done: str = "") -> str:
    """Return the path of the admin page with what only links carry; `done` names a notice."""
    return f"{admin_path(conference)}?" + _query(
        name=booking.name,
        timezone=booking.appointment.timezone,
        duration=str(booking.duration),
        done=done,
    )


def admin_url(request: Request, conference: Conference, booking: Booking) -> str:
    """Return the admin link, which carries what is not stored."""
    return request.url(full_admin_path(conference, booking))


def calendar_url(
    request: Request,
    conference: Conference,
    booking: Booking,
    sequence: int = 0,
    cancelled: bool = False,
) -> str:
    """Return the link to the calendar entry of what is still to come."""
    appointment = booking.appointment
    fields = _query(
        name=booking.name,
        time=str(conference.time),
        duration=str(booking.duration),
        timezone=appointment.timezone,
        repeat=appointment.rectype,
        # A row of the PHP version may have more; the entry gets them as the series advances.
        count=str(min(appointment.recev, LARGEST_COUNT)) if appointment.rectype else "",
        # The next occurrence does not tell the rule: 28 February may be the last day of the month.
        anchor=conference.anchor if appointment.rectype else "",
        sequence=str(min(sequence, LARGEST_SEQUENCE)) if sequence else "",
        status="cancelled" if cancelled else "",
    )
    return request.url(f"/cal/{conference.iid}.ics?{fields}")


def sequence_at(now: float) -> int:
    """Return the SEQUENCE (RFC 5545 section 3.8.7.4) of a calendar entry that is changed now.

    It rises by one a second, so that nothing is stored for it. (In the year 2094 it reaches the
    largest, and links stay at that.)
    """
    return max(1, int(now) - _SEQUENCE_EPOCH)


def google_url(request: Request, conference: Conference, booking: Booking) -> str:
    """Return the link that adds the conference, series and all, to a Google calendar."""
    link = invitation_url(request, conference)
    return "https://calendar.google.com/calendar/render?" + _query(
        action="TEMPLATE",
        text=booking.name,
        **_google_dates(conference, booking),
        ctz=booking.appointment.timezone,
        details=link,
        location=link,
    )


def outlook_url(request: Request, conference: Conference, booking: Booking) -> str:
    """Return the link that adds a one-off to an Outlook calendar; it knows no series."""
    link = invitation_url(request, conference)
    start, end = _utc_span(conference, booking, "%Y-%m-%dT%H:%M:%SZ")
    return "https://outlook.live.com/calendar/0/deeplink/compose?" + _query(
        path="/calendar/action/compose",
        rru="addevent",
        startdt=start,
        enddt=end,
        subject=booking.name,
        body=link,
        location=link,
    )


def mailto_url(subject: str, *bodies: str) -> str:
    """Return a link that opens a mail with the subject and the first of the bodies that fits."""
    for body in bodies:
        link = "mailto:?" + _query(subject=subject, body=body.replace("\n", "\r\n"))
        if len(link) < LONGEST_MAILTO:
            return link
    return link


def _utc_span(conference: Conference, booking: Booking, pattern: str) -> tuple[str, str]:
    start = recurrence.to_local(conference.time, ZoneInfo("UTC"))
    end = start + timedelta(minutes=booking.duration)
    return start.strftime(pattern), end.strftime(pattern)


def _google_dates(conference: Conference, booking: Booking) -> dict[str, str]:
    appointment = booking.appointment
    if not appointment.rectype:
        return {"dates": "/".join(_utc_span(conference, booking, "%Y%m%dT%H%M%SZ"))}
    first = datetime.fromisoformat(conference.anchor)
    begin = recurrence.local_start(conference.time, first, appointment.zone)
    # All occurrences get the clock times of this one, which a clock change in it must not shift.
    until = begin + timedelta(minutes=booking.duration)
    rule = recurrence.rule(appointment.rectype, first, appointment.recev + 1)
    return {"dates": f"{begin:%Y%m%dT%H%M%S}/{until:%Y%m%dT%H%M%S}", "recur": f"RRULE:{rule}"}


def _query(**fields: str) -> str:
    # A space becomes %20: mail and calendar programs read + as a plus sign.
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value)
