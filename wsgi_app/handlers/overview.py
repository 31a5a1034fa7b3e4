"""The overview: a conference as it stands, in words, with all of its links and what is stored of
it.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from .. import links
from ..booking import Booking
from ..conference import Conference
from ..page import Html, Template, joined
from ..recurrence import to_local
from ..web import Request, Response
from ..words import moment_words, series_words, span_words, zone_words
from .document import document

_ITEM = Template("<li>$text</li>\n")
_LINK = Template(
    '<li><a class="button quiet" href="$url" rel="noreferrer" target="_blank">$label</a></li>\n'
)
_LINE = Template("$text<br>")
_ROW = Template('<tr><th scope="row"><code>$column</code></th><td><code>$value</code></td></tr>\n')

_FEW_DATES = 8


def overview(
    request: Request, conference: Conference, booking: Booking, title: str, sequence: int = 0
) -> Response:
    """Return the page that follows a booking or a change."""
    texts = request.texts
    admin_url = links.admin_url(request, conference, booking)
    calendar_url = links.calendar_url(request, conference, booking, sequence)
    guest_text = _guest_text(request, conference, booking, calendar_url)
    content = request.markup(
        "overview.html",
        name=booking.name,
        facts=facts(request, conference, booking),
        dates=dates(request, conference, booking),
        invitation=invitation(request, conference, booking, calendar_url),
        admin_url=admin_url,
        calendar_url=calendar_url,
        calendars=calendar_links(request, conference, booking),
        all_text=f"{guest_text}\n{texts['admin_link_secret']}:\n{admin_url}\n",
        stored=stored(request, conference),
    )
    return document(request, title, content)


def invitation(
    request: Request, conference: Conference, booking: Booking, calendar_url: str
) -> Html:
    """Return the invitation link and every way to hand it on; the name is in its fragment.

    The link itself gets its fragment from script, so that without script it stays short enough
    to be read out.
    """
    plain_url = links.invitation_url(request, conference)
    named_url = links.named_invitation_url(request, conference, booking.name)
    when = when_words(request, conference, booking)
    guest_text = _guest_text(request, conference, booking, calendar_url)
    return request.markup(
        "invitation.html",
        name=booking.name,
        when=when,
        when_lines=joined(_LINE.render({}, text=line) for line in when.splitlines()),
        invitation_url=plain_url,
        named_url=named_url,
        fragment=links.name_fragment(booking.name),
        calendar_url=calendar_url,
        mail_url=links.mailto_url(
            booking.name,
            guest_text,
            _invitation_text(request, when, booking.name, named_url),
            _invitation_text(request, when, booking.name, plain_url),
            plain_url,
        ),
        guest_text=guest_text,
        qr_code_url=request.url(f"/qr/{conference.iid}.svg"),
        first_in_note=_first_in_note(request),
    )


def facts(request: Request, conference: Conference, booking: Booking) -> Html:
    """Return when a conference takes place, as a list of terms."""
    zone = ZoneInfo(booking.appointment.timezone)
    return request.markup(
        "facts.html",
        when=span_words(request.texts, conference.time, booking.duration, zone),
        timezone=zone_words(conference.time, zone),
        rhythm=_series_words(request, conference, booking),
    )


def when_words(request: Request, conference: Conference, booking: Booking) -> str:
    """Return start, end, zone and rhythm in one line."""
    zone = ZoneInfo(booking.appointment.timezone)
    span = span_words(request.texts, conference.time, booking.duration, zone)
    line = request.texts.format("with_zone", moment=span, zone=zone_words(conference.time, zone))
    if booking.appointment.rectype:
        line += f"\n{_series_words(request, conference, booking)}"
    return line


def dates(request: Request, conference: Conference, booking: Booking) -> Html:
    """Return the dates that a series will fall on, nothing for a one-off."""
    if not booking.appointment.rectype:
        return Html()
    zone = ZoneInfo(booking.appointment.timezone)
    items = [
        _ITEM.render(request.texts, text=moment_words(request.texts, start, zone))
        for start, _ in conference.occurrences()
    ]
    return request.markup(
        "dates.html",
        summary=request.texts.plural("dates_summary", len(items)),
        items=joined(items),
        open=Html("open") if len(items) <= _FEW_DATES else Html(),
    )


def calendar_links(request: Request, conference: Conference, booking: Booking) -> Html:
    """Return the links into web calendars that the operator offers and that can carry this
    conference.
    """
    found = []
    for name in request.config.look.calendar_links:
        if name == "google":
            url = links.google_url(request, conference, booking)
        elif booking.appointment.rectype:
            continue
        else:
            url = links.outlook_url(request, conference, booking)
        found.append(_LINK.render(request.texts, url=url, label=request.texts[f"calendar_{name}"]))
    return joined(found)


def stored(request: Request, conference: Conference) -> Html:
    """Return the row of a conference as the database holds it, and when it will be deleted."""
    zone = ZoneInfo(conference.timezone or request.config.site.timezone)
    deleted_at = conference.deleted_at(request.config.doors)
    moment = request.texts.format(
        "with_zone",
        moment=moment_words(request.texts, deleted_at, zone),
        zone=zone_words(deleted_at, zone),
    )
    return request.markup(
        "stored.html",
        rows=joined(
            _ROW.render(request.texts, column=column, value=value)
            for column, value in conference._asdict().items()
        ),
        deletion=request.texts.format("stored_deletion", moment=moment),
    )


def _first_in_note(request: Request) -> str:
    """Return what an organiser must know of the Jitsi server, nothing where it asks for nothing."""
    # It wants its first participant signed in since August 2023.
    return str(request.texts["first_in_note"]) if request.config.jitsi.host == "meet.jit.si" else ""


def _series_words(request: Request, conference: Conference, booking: Booking) -> str:
    appointment = booking.appointment
    first = datetime.fromisoformat(conference.anchor) if conference.anchor else appointment.start
    starts = [start for start, _ in conference.occurrences()]
    last = to_local(max(starts), appointment.zone)
    return series_words(request.texts, appointment.rectype, first, len(starts), last)


def _guest_text(
    request: Request, conference: Conference, booking: Booking, calendar_url: str
) -> str:
    """Return what guests are sent: when, the invitation link and the one of the calendar entry."""
    named_url = links.named_invitation_url(request, conference, booking.name)
    when = when_words(request, conference, booking)
    text = _invitation_text(request, when, booking.name, named_url)
    return f"{text}\n\n{request.texts['calendar_link']}:\n{calendar_url}\n"


def _invitation_text(request: Request, when: str, name: str, invitation_url: str) -> str:
    return request.texts.format(
        "invitation_text", name=name, when=when, invitation_url=invitation_url
    )
