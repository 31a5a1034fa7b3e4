"""The addresses of the PHP original, which are in old mails and calendars."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import quote, urlencode

from ..config import LARGEST_COUNT
from ..domain import identifier, recurrence
from ..domain.validation import LONGEST_NAME
from ..web.request import Request
from ..web.response import Problem, Response, redirect
from .room import enter_room

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def show_index(request: Request) -> Response:
    """The booking form."""
    return redirect(request.page_url("/"))


def show_invitation(request: Request) -> Response:
    """The invitation, or with an admin number the room before its start."""
    iid, aid = _number(request, "id"), _number(request, "admin")
    if iid is None:
        return redirect(request.page_url("/i?" + urlencode({"id": request.query["id"]})))
    if request.query["admin"]:
        return redirect(request.page_url(f"/admin/{iid}/{aid or 0}/enter"))
    return redirect(request.page_url(f"/i/{iid}"))


def show_admin(request: Request) -> Response:
    """The admin page."""
    iid, aid = _number(request, "id"), _number(request, "admin")
    return redirect(request.page_url(f"/admin/{iid or 0}/{aid or 0}"))


def show_entry(request: Request) -> Response:
    """The calendar entry, at an address that ends in .ics as iPhones want it."""
    iid = _number(request, "id")
    if iid is None:
        raise Problem(HTTPStatus.NOT_FOUND, "problem_calendar")
    fields = {
        "name": _CONTROL.sub(" ", request.query["name"]).strip()[:LONGEST_NAME],
        "time": request.query["time"],
        "timezone": request.config.site.timezone,
    }
    rectype, count = recurrence.code_of_original(request.query["rtype"]), request.query["rec"]
    if rectype and re.fullmatch("[1-9][0-9]{0,8}", count):
        fields |= {"repeat": rectype, "count": str(min(int(count), LARGEST_COUNT))}
    present = {name: value for name, value in fields.items() if value}
    return redirect(request.url(f"/cal/{iid}.ics?{urlencode(present, quote_via=quote)}"))


def enter(request: Request) -> Response:
    """The room that the address names in digits."""
    rid = _number(request, "room")
    if rid is None:
        raise Problem(HTTPStatus.NOT_FOUND, "problem_not_found")
    return enter_room(request, rid)


def _number(request: Request, name: str) -> int | None:
    return None if name in request.query.duplicates else identifier.parse(request.query[name])
