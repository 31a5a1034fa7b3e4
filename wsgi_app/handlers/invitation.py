"""Invitations: the waiting screen, the entry, and the form for a number that was read out."""

from __future__ import annotations

import math
import re
from http import HTTPStatus
from urllib.parse import quote

from ..domain import identifier
from ..domain.conference import Conference
from ..storage import conferences
from ..storage.database import Database
from ..text.dates import utc_words
from ..text.html import Html, Page, Template
from ..views.layout import document, in_language, open_document, waiting_head
from ..web.request import Request
from ..web.response import Problem, Response, redirect
from .room import enter_room, pass_name

# The waiting page looks this often for changes by the organiser; script adds a second at most, so
# that guests come one after the other.
_RELOAD_SECONDS = 29

_START = Template(
    '<p class="start">'
    '<time datetime="$start_iso" data-local data-booked="$booked_timezone">$start_words</time></p>'
)
_ENTER = Html("data-enter")
_LANGUAGE = Template('<input type="hidden" name="language" value="$language">')
_ERROR = Template('<p class="error" id="id-error" role="alert">$message</p>')


def show_number_form(request: Request) -> Response:
    """The form for an invitation number, or with `?id=` a redirect to its invitation."""
    typed, pasted_name, _ = request.query["id"].partition("#")
    if pasted_name:
        # Neither our page nor the browser's history may keep the name that follows.
        return redirect(request.page_url(f"/i?id={quote(typed, safe='')}"))
    if not typed:
        return _number_form(request, HTTPStatus.OK)
    pasted = re.search(r"/i/([0-9]+)", typed)
    iid = identifier.parse(pasted[1] if pasted else re.sub(r"[\s-]", "", typed))
    if iid is None or "id" in request.query.duplicates:
        return _number_form(request, HTTPStatus.BAD_REQUEST, "error_number", typed)
    return redirect(request.page_url(f"/i/{iid}"))


def show_qr_code(request: Request) -> Response:
    """The QR code of an invitation link, made from its number alone.

    It has its own address, as drawing it takes longer than the rest of a booking; so it has no
    name in it.
    """
    from ..formats.qr_code import qr_code

    number, _, ending = request.path_values["file"].partition(".")
    iid = identifier.parse(number)
    if iid is None or ending != "svg":
        raise Problem(HTTPStatus.NOT_FOUND, "problem_not_found")
    picture = qr_code(request.url(f"/i/{iid}"))
    return Response(picture, headers={"Content-Type": "image/svg+xml"})


def show(request: Request, db: Database) -> Response:
    """The waiting screen before the start; the entry after it."""
    conference = _find(request, db)
    if conference is None:
        return _unknown(request)
    if not conference.is_open(request.now, request.config.opening_hours):
        return _waiting(request, conference)
    # Where a redirect could not pass on the name, script on the next page does.
    if _a_person_navigates(request) and not pass_name(request):
        return enter_room(request, conference.rid)
    return _door(request, conference)


def enter(request: Request, db: Database) -> Response:
    """The entry into the room; before the start, a redirect to the waiting screen."""
    conference = _find(request, db)
    if conference is None:
        return _unknown(request)
    if not conference.is_open(request.now, request.config.opening_hours):
        return redirect(request.page_url(f"/i/{conference.iid}"))
    return enter_room(request, conference.rid)


def _find(request: Request, db: Database) -> Conference | None:
    hours = request.config.opening_hours
    iid = identifier.parse(request.path_values["iid"])
    return None if iid is None else conferences.find(db, iid, hours, request.now)


def _a_person_navigates(request: Request) -> bool:
    # Robots that draw a preview of a link, and browsers that fetch ahead, may not see the room.
    purpose = request.header("Sec-Purpose") + request.header("Purpose")
    return request.header("Sec-Fetch-Mode") == "navigate" and "prefetch" not in purpose.lower()


def _waiting(request: Request, conference: Conference) -> Response:
    page = request.cached_page("waiting", lambda: _waiting_page(request))
    opens_in = conference.opens_at(request.config.opening_hours) - request.now
    reload_in = min(_RELOAD_SECONDS, opens_in)
    shows_start = request.config.privacy.show_start
    body = page.render(
        **(_start_values(request, conference) if shows_start else {}),
        # Without the start, a page may not tell how far it is away either.
        opens_in_ms=math.ceil(opens_in * 1000) if shows_start else "",
        reload_in_ms=math.ceil(reload_in * 1000),
        reload_in=max(1, math.ceil(reload_in)),
        again_url=request.page_url(f"/i/{conference.iid}"),
    )
    return in_language(request, body)


def _waiting_page(request: Request) -> Page:
    """Return what is the same for all guests who wait."""
    texts = request.texts
    content = request.theme.template_in("waiting.html", texts.language).fill(
        {},
        start=_START if request.config.privacy.show_start else Html(),
        # Else the entry is a redirect, which script can only follow as a whole page.
        enter=_ENTER if request.config.privacy.page else Html(),
    )
    return open_document(request, texts["waiting_title"], content, waiting_head(request))


def _start_values(request: Request, conference: Conference) -> dict[str, str]:
    timezone = conference.timezone or request.config.site.timezone
    return {
        "start_iso": utc_words(conference.time),
        "start_words": request.theme.start_words(request.texts.language, conference.time, timezone),
        "booked_timezone": conference.timezone,
    }


def _door(request: Request, conference: Conference) -> Response:
    content = request.markup(
        "door.html",
        enter_url=request.page_url(f"/i/{conference.iid}/enter"),
        pass_name=pass_name(request),
    )
    return document(request, request.texts["door_title"], content)


def _unknown(request: Request) -> Response:
    typed = request.path_values["iid"]
    return _number_form(request, HTTPStatus.NOT_FOUND, "error_number_unknown", typed)


def _number_form(
    request: Request, status: HTTPStatus, error: str = "", typed: str = ""
) -> Response:
    content = request.markup(
        "number.html",
        number_url=request.url("/i"),
        # A form sent by GET replaces the query of its address.
        language=_LANGUAGE.render({}, language=request.chosen_language)
        if request.chosen_language
        else Html(),
        number=typed,
        state=Html('aria-invalid="true" aria-describedby="id-error"') if error else Html(),
        error=_ERROR.render({}, message=request.texts[error]) if error else Html(),
    )
    return document(request, request.texts["number_title"], content, status)
