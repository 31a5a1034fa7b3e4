"""Booking: the form on the front page, what comes of it, and the room without an appointment."""

from __future__ import annotations

from http import HTTPStatus

from ..domain.conference import Conference
from ..domain.validation import FieldErrors, ValidationError
from ..storage import conferences
from ..storage.database import Database
from ..text.html import Html, Page
from ..views.details import Details, overview
from ..views.form import form_fields, fresh_values, read_booking
from ..views.layout import document, in_language, open_document
from ..web.request import Request
from ..web.response import Response

_QUARTER_SECONDS = 15 * 60
_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
_FORM = {"X-Robots-Tag": "all"}
# The browser may store a form without a visitor's words, so that Back finds it as filled in.
_EMPTY_FORM = {**_FORM, "Cache-Control": "private, no-cache"}


def show_form(request: Request) -> Response:
    """The booking form, and the button that starts a room at once."""

    def make() -> Page:
        content = _form_content(request)
        return open_document(request, request.texts["book_title"], content)

    # It suggests the next full hour, which begins with a quarter of one in every zone.
    page = request.cached_page(f"form {int(request.now) // _QUARTER_SECONDS}", make)
    headers = _EMPTY_FORM if request.asks_for_no_more else _FORM
    return in_language(request, page.render(), headers=headers)


def book(request: Request, db: Database) -> Response:
    """Stores a conference and answers with all of its links, or with the form and its errors."""
    try:
        booking = read_booking(request)
    except ValidationError as invalid:
        title = request.texts["book_title"]
        content = _form_content(request, invalid.errors)
        return document(request, title, content, HTTPStatus.BAD_REQUEST, headers=_FORM)
    conference = conferences.book(db, booking.appointment)
    return overview(request, conference, booking, request.texts["booked_title"])


def say_when(request: Request) -> Response:
    """What the fields of the form mean, in the words of the overview, or the first error; the name
    may be missing.
    """
    try:
        booking = read_booking(request, name_required=False)
    except ValidationError as invalid:
        error = next(iter(invalid.errors.values()))
        message = request.texts.format(error.text, **error.values)
        return in_language(request, message.encode("utf-8"), HTTPStatus.BAD_REQUEST, _PLAIN)
    when = Details(request, Conference.booked(booking.appointment), booking).when
    return in_language(request, when.encode("utf-8"), headers=_PLAIN)


def _form_content(request: Request, errors: FieldErrors | None = None) -> Html:
    values = request.form if errors else fresh_values(request)
    return request.markup(
        "book.html",
        book_url=request.page_url("/book"),
        room_url=request.page_url("/room"),
        number_url=request.page_url("/i"),
        fields=form_fields(request, values, errors),
        # Script suggests the visitor's own zone only where nothing has been chosen yet.
        presets=Html() if errors else Html("data-presets"),
    )
