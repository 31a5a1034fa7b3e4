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
from ..web import Request, Response
from ..words import moment_words, rhythm_words, span_words, zone_words
from .document import document

_ITEM = Template("<li>$text</li>\n")
_LINK = Template(
    '<li><a class="button quiet" href="$url" rel="noreferrer" target="_blank">$label</a></li>\n'
)
_ROW = Template('<tr><th scope="row"><code>$column</code></th><td><code>$value</code></td></tr>\n')

_FEW_DATES = 8


def overview(
    request: Request, conference: Conference, booking: Booking, title: str, sequence: int = 0
) -> Response:
    """Return the page that follows a booking or a change."""
    texts = request.texts
    invitation_url = links.invitation_url(request, conference)
    admin_url = links.admin_url(request, conference, booking)
    calendar_url = links.calendar_url(request, conference, booking, sequence)
    invitation = texts.format(
        "invitation_text",
        name=booking.name,
        when=when_words(request, conference, booking),
        invitation_url=invitation_url,
    )
    with_calendar = f"{invitation}\n\n{texts['calendar_link']}:\n{calendar_url}\n"
    everything = f"{with_calendar}\n{texts['admin_link_secret']}:\n{admin_url}\n"
    content = request.markup(
        "overview.html",
        name=booking.name,
        facts=facts(request, conference, booking),
        dates=dates(request, conference, booking),
        invitation_url=invitation_url,
        admin_url=admin_url,
        calendar_url=calendar_url,
        calendars=calendar_links(request, conference, booking),
        mail_url=links.mailto_url(booking.name, with_calendar, invitation, invitation_url),
        guest_text=with_calendar,
        all_text=everything,
        stored=stored(request, conference),
        first_in_note=first_in_note(request),
    )
    return document(request, title, content)


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
    line = f"{span}, {zone_words(conference.time, zone)}"
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
    moment = f"{moment_words(request.texts, deleted_at, zone)}, {zone_words(deleted_at, zone)}"
    return request.markup(
        "stored.html",
        rows=joined(
            _ROW.render(request.texts, column=column, value=value)
            for column, value in conference._asdict().items()
        ),
        deletion=request.texts.format("stored_deletion", moment=moment),
    )


def first_in_note(request: Request) -> str:
    """Return what an organiser must know of the Jitsi server, nothing where it asks for nothing."""
    # It wants its first participant signed in since August 2023.
    return str(request.texts["first_in_note"]) if request.config.jitsi.host == "meet.jit.si" else ""


def _series_words(request: Request, conference: Conference, booking: Booking) -> str:
    appointment = booking.appointment
    if not appointment.rectype:
        return str(request.texts["once"])
    rhythm = rhythm_words(
        request.texts, appointment.rectype, datetime.fromisoformat(conference.anchor)
    )
    return request.texts.plural("series", appointment.recev + 1, rhythm=rhythm)
