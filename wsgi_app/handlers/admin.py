"""The admin page: a conference, and everything its organiser may do with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from ..domain import identifier, validation
from ..domain.conference import Conference
from ..domain.validation import Booking, FieldErrors, ValidationError
from ..storage import conferences
from ..storage.database import Database
from ..text.dates import moment_words
from ..text.html import Html, Template
from ..views import links
from ..views.details import Details, described, overview
from ..views.form import booking_values, form_fields, read_booking
from ..views.layout import document
from ..web.request import Fields, Request
from ..web.response import Problem, Response, redirect
from .room import enter_room, pass_name

_NOTICES = ("renewed", "skipped", "moved_on")
_NOTICE = Template('<p class="notice" role="status">$message</p>')


def show(request: Request, db: Database) -> Response:
    """The conference, and the form that changes it."""
    conference = _get(request, db)
    booking = _booking(request, conference, request.query)
    notice = request.query["done"]
    return _page(request, conference, booking, notice=notice if notice in _NOTICES else "")


def change(request: Request, db: Database) -> Response:
    """Stores what the form asks for and answers with the overview, or with the form's errors."""
    conference = _get(request, db)
    try:
        booking = read_booking(request, conference)
    except ValidationError as invalid:
        current = _booking(request, conference, request.form)
        return _page(request, conference, current, invalid.errors)
    changed = _update(request, db, lambda before: before.changed(booking.appointment))
    return overview(
        request, changed, booking, request.texts["changed_title"], _next_sequence(request)
    )


def cancel(request: Request, db: Database) -> Response:
    """Deletes the conference at once and offers the entry that takes it out of calendars."""
    conference = _get(request, db)
    conferences.remove(db, conference.iid, conference.aid)
    db.checkpoint()
    booking = _booking(request, conference, request.form)
    # One more than a change of this very second.
    sequence = _next_sequence(request) + 1
    content = request.markup(
        "cancelled.html",
        name=booking.name,
        calendar_url=links.calendar_url(request, conference, booking, sequence, cancelled=True),
        home_url=request.page_url("/"),
    )
    return document(request, request.texts["cancelled_title"], content)


def renew(request: Request, db: Database) -> Response:
    """Draws a new secret room."""
    conference = _update(request, db, Conference.renewed)
    return _back(request, conference, "renewed")


def skip(request: Request, db: Database) -> Response:
    """Leaves out the next occurrence of a series, only once even if the button is pressed twice."""
    conference = _get(request, db)
    if request.form["time"] not in ("", str(conference.time)):
        return _back(request, conference, "moved_on")

    def skipped(before: Conference) -> Conference:
        after = before.skipped() if before.time == conference.time else before
        if after is None:
            raise Problem(HTTPStatus.CONFLICT, "problem_last_date")
        return after

    return _back(request, _update(request, db, skipped), "skipped")


def enter(request: Request, db: Database) -> Response:
    """The entry into the room at any time."""
    return enter_room(request, _get(request, db).rid)


def _get(request: Request, db: Database) -> Conference:
    """Return the conference that the address names; the same Problem whether the number or the
    admin number is wrong.
    """
    iid = identifier.parse(request.path_values["iid"])
    aid = identifier.parse(request.path_values["aid"])
    if iid is not None and aid is not None:
        conference = conferences.find(db, iid, request.config.opening_hours, request.now)
        if conference and conference.admits(aid):
            return conference
    raise Problem(HTTPStatus.NOT_FOUND, "problem_no_conference")


def _update(
    request: Request, db: Database, change: Callable[[Conference], Conference]
) -> Conference:
    """Store what `change` makes of the conference that the address names, and return it."""
    return conferences.update(db, lambda: _get(request, db), change)


def _booking(request: Request, conference: Conference, link_only: Fields) -> Booking:
    """Return the conference as a booking, with what only its links carry where that is right."""
    ignored = FieldErrors()
    name = ignored.read("name", validation.parse_name, link_only["name"])
    timezone = ignored.read("timezone", validation.parse_timezone, link_only["timezone"])
    duration = ignored.read("duration", validation.parse_duration, link_only["duration"])
    return Booking(
        name or "",
        duration or request.config.booking.default_duration,
        conference.appointment(timezone or request.config.site.timezone),
    )


def _next_sequence(request: Request) -> int:
    """Return a SEQUENCE above that of every link on the page the form was sent from."""
    current = links.sequence_at(request.now)
    sent = request.form["sequence"]
    if re.fullmatch("[0-9]{1,10}", sent) and int(sent) <= current + 60:
        return max(current, int(sent) + 1)
    return current


def _back(request: Request, conference: Conference, notice: str) -> Response:
    booking = _booking(request, conference, request.form)
    path = links.full_admin_path(conference, booking, done=notice)
    return redirect(request.page_url(path), HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    conference: Conference,
    booking: Booking,
    errors: FieldErrors | None = None,
    notice: str = "",
) -> Response:
    texts = request.texts
    sequence = links.sequence_at(request.now)
    link_only = request.markup(
        "unstored.html",
        name=booking.name,
        timezone=booking.appointment.timezone,
        duration=booking.duration,
        sequence=sequence,
    )
    content = request.markup(
        "admin.html",
        **described(Details(request, conference, booking, sequence)),
        **{
            f"{action}_url": request.page_url(links.admin_path(conference, action))
            for action in ("enter", "renew", "cancel")
        },
        change_url=request.page_url(links.admin_path(conference)),
        notice=_NOTICE.render({}, message=texts[f"notice_{notice}"]) if notice else Html(),
        state=_state_words(request, conference, booking),
        fragment=links.name_fragment(booking.name),
        pass_name=pass_name(request),
        skip=_skip_form(request, conference, booking, link_only),
        fields=form_fields(
            request,
            request.form if errors else booking_values(booking),
            errors,
            started=conference.time <= request.now,
        ),
        sequence=sequence,
        unstored=link_only,
    )
    status = HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK
    return document(request, texts["admin_title"], content, status)


def _state_words(request: Request, conference: Conference, booking: Booking) -> str:
    """Return whether guests wait, since or until when, and how many occurrences follow."""
    texts, hours = request.texts, request.config.opening_hours
    state = "state_open" if conference.is_open(request.now, hours) else "state_waiting"
    moment = moment_words(texts, conference.opens_at(hours), booking.appointment.zone)
    words = texts.format(state, moment=moment)
    if conference.recev:
        words += " " + texts.plural("state_more", conference.recev)
    elif conference.rectype:
        words += " " + texts["state_last"]
    return words


def _skip_form(request: Request, conference: Conference, booking: Booking, link_only: Html) -> Html:
    if conference.skipped() is None:
        return Html()
    moment = moment_words(request.texts, conference.time, booking.appointment.zone)
    return request.markup(
        "skip.html",
        skip_url=request.page_url(links.admin_path(conference, "skip")),
        time=conference.time,
        label=request.texts.format("skip_button", moment=moment),
        unstored=link_only,
    )
