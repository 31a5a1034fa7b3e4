"""The JSON API, on the same domain as the pages; openapi.json describes it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Container, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..domain import identifier, validation
from ..domain.conference import Conference
from ..domain.recurrence import to_instant, to_local, zone_names
from ..domain.validation import CLOCK_TIME, Booking, FieldError
from ..storage import conferences, requests
from ..storage.database import Database
from ..views import links
from ..web.request import JSON_TYPE, Request
from ..web.response import Problem, Response

# What a program may send, each of the type of what it means to leave it out.
_DEFAULTS = {"start": "", "timezone": "", "duration": 0, "name": "", "repeat": "", "count": 0}
_CHANGED = ("start", "timezone", "repeat", "count")
# RFC 3339 section 5.6, and local time to the minute; every start is on a minute.
_START = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt]({CLOCK_TIME})(?::00(?:\.0+)?)?"
    rf"([Zz]|[+-]{CLOCK_TIME})?"
)
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
    fingerprint = hmac.new(key.encode("ascii"), body, hashlib.sha256).hexdigest()
    key_hash = hashlib.sha256(key.encode("ascii")).hexdigest()
    used = requests.find_request(db, key_hash)
    if used is None:
        booking = _read(request, values)
        appointment, now = booking.appointment, request.now
        booked = requests.book_once(db, appointment, key_hash, fingerprint, now)
        if isinstance(booked, Conference):
            return _created(request, booked, booking)
        used = booked
    return _created_before(request, db, values, fingerprint, used)


def show(request: Request, db: Database) -> Response:
    """Says when a conference is and, once it is open or to its organiser, in which room."""
    conference, is_admin = _find(request, db)
    return _shown(request, conference, is_admin)


def change(request: Request, db: Database) -> Response:
    """Changes a conference, with If-Match only if it still is as it was."""

    def changed(before: Conference) -> Conference:
        values = _object(request)
        booking = _read(request, values, before)
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
        wanted = _parse(values, current, validation.largest_count(limits, current))
        return validation.validate(wanted, limits, request.now, current)
    except validation.ValidationError as invalid:
        raise _invalid(request, invalid.errors) from invalid


def _parse(
    values: Mapping[str, object], current: Conference | None, most: int
) -> validation.BookingInput:
    """Return what `values` ask for; what they leave out or have in a wrong type stays as it is."""
    errors = validation.FieldErrors()
    read = errors.read
    allowed = _CHANGED if current else _DEFAULTS
    known: dict[str, Any] = dict(_DEFAULTS)
    if current:
        known |= _current_values(current, values)
    for field, value in values.items():
        typed = read(field, _typed, field, value, allowed)
        if typed is not None:
            known[field] = typed
    if values.get("repeat", "") is None and "count" not in values:
        known["count"] = 0
    start = read("start", _local_start, known["start"], known["timezone"])
    name = read("name", validation.parse_name, known["name"]) if known["name"] else ""
    if start is None:
        # With no error so far, its month lacks this day.
        errors.setdefault("start", FieldError("error_date"))
    return validation.BookingInput(
        name=name,
        start=start,
        timezone=read("timezone", validation.parse_timezone, known["timezone"]),
        duration=0 if current else read("duration", validation.check_duration, known["duration"]),
        rectype=read("repeat", validation.parse_rectype, known["repeat"]),
        recev=read("count", validation.check_count, known["count"], most),
        errors=errors,
    )


def _current_values(conference: Conference, values: Mapping[str, object]) -> dict[str, object]:
    """Return a conference as a request would ask for it, for what `values` do not name.

    Of a series the clock time stays. A one-off is an instant and has no zone
    that a local start or a recurrence could be meant in.
    """
    zone = ZoneInfo(conference.timezone or "UTC")
    appointment = conference.appointment(zone.key)
    start = appointment.start.isoformat(timespec="minutes")
    new_start = _START.fullmatch(str(values.get("start", "Z")))
    needs_zone = values.get("repeat") or (new_start and not new_start[3])
    return {
        "start": start if conference.timezone else f"{start}Z",
        "timezone": conference.timezone if needs_zone else zone.key,
        "repeat": appointment.rectype,
        "count": appointment.recev,
    }


def _typed(field: str, value: object, allowed: Container[str]) -> object:
    """Return the value where the field is allowed and its type right; raises FieldError."""
    if field not in allowed:
        raise FieldError("error_unknown_field")
    if field == "repeat" and value is None:
        return ""
    if field == "repeat" and value == "":
        raise FieldError("error_repeat")
    expected = type(_DEFAULTS[field])
    if type(value) is not expected:
        raise FieldError("error_no_number" if expected is int else "error_no_text")
    return value


def _local_start(text: str, timezone: str) -> datetime | None:
    """Return the start in the zone, None where no month has its day; raises FieldError."""
    match = _START.fullmatch(text)
    if not match:
        raise FieldError("error_start")
    day, clock, offset = match.groups()
    if not offset or timezone not in zone_names():
        with suppress(ValueError):
            return datetime.fromisoformat(f"{day}T{clock}")
        return None
    zone = ZoneInfo(timezone)
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}").timestamp()
        local = to_local(instant, zone)
    except (ValueError, OverflowError):
        raise FieldError("error_start") from None
    if to_instant(local, zone) != instant:
        raise FieldError("error_start_doubled")
    return local


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
    is_open = conference.is_open(request.now, request.config.opening_hours)
    zone = ZoneInfo(conference.timezone or request.config.site.timezone)
    tells_start = is_admin or request.config.privacy.show_start
    tells_room = is_admin or is_open
    described: dict[str, object] = {
        "invitation_id": str(conference.iid),
        "state": "open" if is_open else "waiting",
        "start": _start_text(conference.time, zone) if tells_start else None,
        "room_url": request.config.jitsi.url_of(conference.rid) if tells_room else None,
    }
    if not is_admin:
        return _json(described)
    appointment = conference.appointment(zone.key)
    described["repeat"] = appointment.rectype or None
    described["count"] = appointment.recev
    described["timezone"] = conference.timezone or None
    return _json(described, headers={"ETag": _etag(conference)})


def _start_text(instant: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(instant, zone).isoformat()


def _etag(conference: Conference) -> str:
    """Return the tag of a row as it stands; only its organiser, who may know the room, gets it."""
    row = repr(sorted(conference._asdict().items())).encode("ascii")
    return (
        f'"{hmac.new(str(conference.aid).encode("ascii"), row, hashlib.sha256).hexdigest()[:32]}"'
    )


def _json(
    described: Mapping[str, object],
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = json.dumps(described).encode("ascii")
    return Response(body, status, {"Content-Type": JSON_TYPE, **(headers or {})})
