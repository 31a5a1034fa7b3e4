"""The JSON API, on the same domain as the pages; openapi.json describes it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..domain import identifier, validation
from ..domain.conference import Conference
from ..domain.validation import Booking, FieldError
from ..storage import conferences, requests
from ..storage.database import Database
from ..views import links
from ..web.request import JSON_TYPE, Request
from ..web.response import Problem, Response
from .api_input import parse_booking

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def create(request: Request, db: Database) -> Response:
    """Books a conference; the same request with the same Idempotency-Key books it once."""
    values = _object(request)
    key = request.header_if_sent("Idempotency-Key")
    if key is None:
        booking = _read(request, values)
        return _created(request, conferences.book(db, booking.appointment), booking)
    if not _KEY.fullmatch(key):
        raise Problem(HTTPStatus.BAD_REQUEST, "problem_key")
    # Under the key, since a name could be guessed from a plain hash of the body.
    body = json.dumps(values, sort_keys=True).encode("ascii")
    fingerprint = hmac.digest(key.encode("ascii"), body, "sha256").hex()
    key_hash = hashlib.sha256(key.encode("ascii")).hexdigest()
    used = requests.find_request(db, key_hash)
    if used is None:
        booking = _read(request, values)
        booked = requests.book_once(db, booking.appointment, key_hash, fingerprint, request.now)
        if isinstance(booked, Conference):
            return _created(request, booked, booking)
        used = booked
    return _created_before(request, db, values, fingerprint, used)


def show(request: Request, db: Database) -> Response:
    """Says when a conference is and, once it is open or to its organiser, in which room."""
    return _shown(request, *_find(request, db))


def change(request: Request, db: Database) -> Response:
    """Changes a conference, with If-Match only if it still is as it was."""

    def changed(before: Conference) -> Conference:
        booking = _read(request, _object(request), before)
        _check_precondition(request, before)
        return before.changed(booking.appointment)

    conference = conferences.update(db, lambda: _get(request, db), changed)
    return _shown(request, conference, is_admin=True)


def cancel(request: Request, db: Database) -> Response:
    """Deletes a conference at once."""

    def removed(before: Conference) -> None:
        _check_precondition(request, before)

    conferences.update(db, lambda: _get(request, db), removed)
    db.checkpoint()
    return Response(b"", HTTPStatus.NO_CONTENT)


def start_room(request: Request) -> Response:
    """Draws a room of its own that nobody else knows."""
    if request.json:
        raise _invalid(request, {name: FieldError("error_unknown_field") for name in request.json})
    room_url = request.config.jitsi.url_of(identifier.draw())
    return _json({"room_url": room_url}, HTTPStatus.CREATED)


def show_description(request: Request) -> Response:
    """The description of this API (OpenAPI 3.1)."""
    return _json({**_description(), "servers": [{"url": request.url("")}]})


def answer_preflight(request: Request) -> Response:
    """Lets a browser ask whether a script of another site may call; `cors` writes the answer."""
    return Response(b"", HTTPStatus.NO_CONTENT)


@cache
def _description() -> dict[str, Any]:
    text = (Path(__file__).parent.parent / "openapi.json").read_text("utf-8")
    description: dict[str, Any] = json.loads(text)
    return description


def _find(request: Request, db: Database) -> tuple[Conference, bool]:
    """Return the conference in the path and whether its organiser asks; raises Problem."""
    aid = _bearer(request)
    iid = identifier.parse(request.path_values["iid"])
    if iid is not None:
        conference = conferences.find(db, iid, request.config.opening_hours, request.now)
        if conference and (aid is None or conference.admits(aid)):
            return conference, aid is not None
    raise Problem(HTTPStatus.NOT_FOUND, "problem_api_conference")


def _get(request: Request, db: Database) -> Conference:
    """Return the conference for its organiser to change; raises Problem."""
    if _bearer(request) is None:
        raise _unauthorized()
    return _find(request, db)[0]


def _check_precondition(request: Request, conference: Conference) -> None:
    """Raise Problem where If-Match names another state (RFC 9110 section 13.1.1)."""
    header = request.header_if_sent("If-Match")
    if header is None or header.strip() == "*":
        return
    if _etag(conference) not in re.findall(r'(?:W/)?"[^"]*"', header):
        raise Problem(HTTPStatus.PRECONDITION_FAILED, "problem_precondition")


def _bearer(request: Request) -> int | None:
    """Return the admin identifier of the Authorization header, None without one; raises Problem."""
    header = request.header("Authorization")
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    aid = identifier.parse(token.strip())
    if scheme.lower() != "bearer" or aid is None:
        raise _unauthorized()
    return aid


def _unauthorized() -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "problem_unauthorized", {"WWW-Authenticate": "Bearer"})


def _object(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent; raises Problem."""
    if request.json is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "problem_json")
    return request.json


def _read(
    request: Request, values: Mapping[str, object], current: Conference | None = None
) -> Booking:
    """Return what `values` ask for, of the `current` conference where they change one; raises
    Problem.
    """
    limits = request.config.limits
    try:
        wanted = parse_booking(values, current, validation.largest_count(limits, current))
        return validation.validate(wanted, limits, request.now, current)
    except validation.ValidationError as invalid:
        raise _invalid(request, invalid.errors) from invalid


def _invalid(request: Request, errors: Mapping[str, FieldError]) -> Problem:
    messages = {
        field: request.texts.format(error.text, **error.values) for field, error in errors.items()
    }
    return Problem(HTTPStatus.BAD_REQUEST, "problem_fields", errors=messages)


def _created(request: Request, conference: Conference, booking: Booking) -> Response:
    appointment = booking.appointment
    described = {
        "invitation_id": str(conference.iid),
        "admin_id": str(conference.aid),
        "start": _start_text(conference.time, appointment.zone),
        "timezone": appointment.timezone,
        "duration": booking.duration,
        "repeat": appointment.rectype or None,
        "count": appointment.recev,
        "invitation_url": links.invitation_url(request, conference),
        "admin_url": links.admin_url(request, conference, booking),
        "calendar_url": links.calendar_url(request, conference, booking),
    }
    location = request.url(f"/api/v1/conferences/{conference.iid}")
    headers = {"Location": location, "ETag": _etag(conference)}
    return _json(described, HTTPStatus.CREATED, headers)


def _created_before(
    request: Request,
    db: Database,
    values: Mapping[str, Any],
    fingerprint: str,
    used: requests.UsedKey,
) -> Response:
    """Answer a request that was made before with what it made."""
    if not hmac.compare_digest(fingerprint, used.fingerprint):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "problem_key_reused")
    conference = conferences.find(db, used.iid, request.config.opening_hours, request.now)
    if conference is None:
        raise Problem(HTTPStatus.GONE, "problem_key_gone")
    appointment = conference.appointment(values["timezone"])
    booking = Booking(values.get("name", "").strip(), values["duration"], appointment)
    return _created(request, conference, booking)


def _shown(request: Request, conference: Conference, is_admin: bool) -> Response:
    config = request.config
    is_open = conference.is_open(request.now, config.opening_hours)
    zone = ZoneInfo(conference.timezone or config.site.timezone)
    tells_start = is_admin or config.privacy.show_start
    tells_room = is_admin or is_open
    described: dict[str, object] = {
        "invitation_id": str(conference.iid),
        "state": "open" if is_open else "waiting",
        "start": _start_text(conference.time, zone) if tells_start else None,
        "room_url": config.jitsi.url_of(conference.rid) if tells_room else None,
    }
    if not is_admin:
        return _json(described)
    described |= {
        "repeat": conference.appointment(zone.key).rectype or None,
        "count": conference.recev,
        "timezone": conference.timezone or None,
    }
    return _json(described, headers={"ETag": _etag(conference)})


def _start_text(instant: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(instant, zone).isoformat()


def _etag(conference: Conference) -> str:
    """Return the tag of a row; only its organiser, who may know the room, gets it."""
    row = repr(sorted(conference._asdict().items())).encode("ascii")
    return f'"{hmac.digest(str(conference.aid).encode("ascii"), row, "sha256").hex()[:32]}"'


def _json(
    described: Mapping[str, object],
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = json.dumps(described).encode("ascii")
    return Response(body, status, {"Content-Type": JSON_TYPE, **(headers or {})})
