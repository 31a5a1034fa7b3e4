"""The overview: a conference in words, with all of its links and what is stored of it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from ..domain.conference import Conference
from ..domain.recurrence import to_local
from ..domain.validation import Booking
from ..text.dates import (
    many_moments_words,
    series_words,
    span_words,
    zone_words,
    zoned_moment_words,
)
from ..text.html import Html, Template, escape, joined
from ..web.request import Lazy, Request
from ..web.response import Response
from . import links
from .layout import document

_ITEM = (Html("<li>"), Html("</li>\n"))
_LINK = Template(
    '<li><a class="button quiet" href="$url" rel="noreferrer" target="_blank">$label</a></li>\n'
)
_LINE = Template("$text<br>")
_ROWS = Template(
    "".join(
        f'<tr><th scope="row"><code>{column}</code></th><td><code>${column}</code></td></tr>\n'
        for column in Conference._fields
    )
)

_FEW_DATES = 8


class Details:
    """What pages say of a conference, worked out once for all of their parts."""

    def __init__(
        self, request: Request, conference: Conference, booking: Booking, sequence: int = 0
    ) -> None:
        texts, appointment = request.texts, booking.appointment
        zone = appointment.zone
        self.request = request
        self.conference = conference
        self.booking = booking
        self.sequence = sequence
        # From the current occurrence on.
        self.starts = [start for start, _ in conference.occurrences()]
        self.span = span_words(texts, conference.time, booking.duration, zone)
        self.timezone = zone_words(conference.time, zone)
        start = conference.anchor
        first = datetime.fromisoformat(start) if start else appointment.start
        last = to_local(self.starts[-1], zone)
        self.recurrence = series_words(texts, appointment.rectype, first, len(self.starts), last)
        self.when = texts.format("with_zone", moment=self.span, zone=self.timezone)
        if appointment.rectype:
            self.when += f"\n{self.recurrence}"

    @Lazy
    def calendar_url(self) -> str:
        return links.calendar_url(self.request, self.conference, self.booking, self.sequence)

    def guest_text(self) -> str:
        """Return what guests are sent: when, the invitation link and the calendar entry's."""
        request, texts = self.request, self.request.texts
        url = links.named_invitation_url(request, self.conference, self.booking.name)
        text = self.invitation_text(url)
        label = texts.format("labelled", label=texts["calendar_link"])
        return f"{text}\n\n{label}\n{self.calendar_url}\n"

    def invitation_text(self, invitation_url: str) -> str:
        """Return what guests are sent at least, with one of the forms of their link."""
        return self.request.texts.format(
            "invitation_text",
            name=self.booking.name,
            when=self.when,
            invitation_url=invitation_url,
        )


def overview(
    request: Request, conference: Conference, booking: Booking, title: str, sequence: int = 0
) -> Response:
    """Return the page that follows a booking or a change."""
    details = Details(request, conference, booking, sequence)
    admin_url = links.admin_url(request, conference, booking)
    label = request.texts.format("labelled", label=request.texts["admin_link_secret"])
    content = request.markup(
        "overview.html",
        **described(details),
        admin_url=admin_url,
        all_text=f"{details.guest_text()}\n{label}\n{admin_url}\n",
    )
    return document(request, title, content)


def described(details: Details) -> dict[str, object]:
    """Return what every page about a conference says of it, by the names in the templates."""
    return {
        "name": details.booking.name,
        "facts": details.request.markup(
            "facts.html", when=details.span, timezone=details.timezone, rhythm=details.recurrence
        ),
        "dates": _occurrences(details),
        "invitation": _invitation(details),
        "calendar_url": details.calendar_url,
        "calendars": _calendar_links(details),
        "stored": _stored(details),
    }


def _invitation(details: Details) -> Html:
    """Return the invitation link and every way to share it; the name is in its fragment.

    Script adds the fragment to the link: without script it stays short enough to be read out.
    """
    request, name = details.request, details.booking.name
    guest_text = details.guest_text()
    invitation_url = links.invitation_url(request, details.conference)
    named_url = links.named_invitation_url(request, details.conference, name)
    return request.markup(
        "invitation.html",
        name=name,
        when=details.when,
        when_lines=joined(_LINE.render({}, text=line) for line in details.when.splitlines()),
        invitation_url=invitation_url,
        named_url=named_url,
        fragment=links.name_fragment(name),
        calendar_url=details.calendar_url,
        mail_url=links.mailto_url(
            name,
            guest_text,
            details.invitation_text(named_url),
            details.invitation_text(invitation_url),
            invitation_url,
        ),
        guest_text=guest_text,
        qr_code_url=request.url(f"/qr/{details.conference.iid}.svg"),
        # Since August 2023, its first participant must sign in.
        first_in_note=request.texts["first_in_note"]
        if request.config.jitsi.host == "meet.jit.si"
        else "",
    )


def _occurrences(details: Details) -> Html:
    """Return the occurrences of a series, nothing for a one-off."""
    if not details.booking.appointment.rectype:
        return Html()
    texts = details.request.texts
    moments = many_moments_words(texts, details.starts, details.booking.appointment.zone)
    begin, end = _ITEM
    # Without a template for each, as there may be a thousand of them.
    items = joined(piece for moment in moments for piece in (begin, escape(moment), end))
    return details.request.markup(
        "dates.html",
        summary=texts.plural("dates_summary", len(moments)),
        items=items,
        open=Html("open") if len(moments) <= _FEW_DATES else Html(),
    )


def _calendar_links(details: Details) -> Html:
    """Return links into the web calendars on offer that can hold this conference."""
    request, conference, booking = details.request, details.conference, details.booking
    found = []
    for name in request.config.look.calendar_links:
        if name == "google":
            url = links.google_url(request, conference, booking)
        elif booking.appointment.rectype:
            continue
        else:
            url = links.outlook_url(request, conference, booking)
        found.append(_LINK.render({}, url=url, label=request.texts[f"calendar_{name}"]))
    return joined(found)


def _stored(details: Details) -> Html:
    """Return the row of a conference in the database, and when it will be deleted."""
    request, conference = details.request, details.conference
    zone = ZoneInfo(conference.timezone or request.config.site.timezone)
    deleted_at = details.starts[-1] + request.config.opening_hours.delete_after
    moment = zoned_moment_words(request.texts, deleted_at, zone)
    return request.markup(
        "stored.html",
        rows=_ROWS.render({}, **conference._asdict()),
        deletion=request.texts.format("stored_deletion", moment=moment),
    )
