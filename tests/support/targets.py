"""Every address Planado answers to, with every parameter read there, for those who attack it.

`tests/wsgi/test_targets.py` holds this list against the routes, the API's
description and what is really read.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences
from wsgi_app.storage.database import Database
from wsgi_app.web.request import FORM_TYPE, JSON_TYPE

ZONE = "Europe/Berlin"
NOW = datetime(2027, 3, 2, 8, tzinfo=ZoneInfo(ZONE)).timestamp()

OPEN = Conference(
    1111222233334444, 5555666677778888, 9999000011112222, int(NOW), 0, "", "", ""
)  # fmt: skip
WAITING = Conference(
    iid=1234123412341234,
    aid=4321432143214321,
    rid=7890789078907890,
    time=int(NOW) + 3600,
    recev=3,
    rectype="1weekly",
    timezone=ZONE,
    anchor="2027-03-02T09:00",
)

Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """A route and a request that it answers, each of whose parameters may be attacked.

    Digits in `json` are sent as a number.
    """

    method: str
    pattern: str
    path: Parameters = field(default_factory=dict)
    query: Parameters = field(default_factory=dict)
    form: Parameters = field(default_factory=dict)
    json: Parameters = field(default_factory=dict)
    header: Parameters = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        """Every parameter with its harmless value, by kind and name, such as `query.id`."""
        kinds = ("path", "query", "form", "json", "header")
        return {
            f"{kind}.{name}": value for kind in kinds for name, value in getattr(self, kind).items()
        }

    def environ(self, changed: Parameters) -> dict[str, Any]:
        """Return the request as a WSGI server passes it on, with some parameters changed."""
        sent: dict[str, dict[str, str]] = {
            kind: {} for kind in ("path", "query", "form", "json", "header")
        }
        for name, value in {**self.parameters, **changed}.items():
            kind, _, rest = name.partition(".")
            sent[kind][rest] = value
        path = self.pattern
        for name, value in sent["path"].items():
            path = path.replace(f"{{{name}}}", value)
        body, content_type = b"", FORM_TYPE
        if self.form:
            body = urlencode(sent["form"]).encode()
        elif self.json:
            body, content_type = json.dumps(_numbers(sent["json"])).encode(), JSON_TYPE
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path.encode("utf-8", "surrogateescape").decode("latin-1"),
            "QUERY_STRING": urlencode(sent["query"], quote_via=quote),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "CONTENT_TYPE": content_type if body else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in sent["header"].items():
            key = "HTTP_" + name.upper().replace("-", "_")
            environ[key] = value.encode("utf-8", "surrogateescape").decode("latin-1")
        return environ


def _numbers(fields: Parameters) -> dict[str, str | int]:
    return {
        name: int(value) if value.isascii() and value.isdigit() and len(value) < 20 else value
        for name, value in fields.items()
    }


def store(db: Database) -> None:
    """Put the conferences that the targets name back to where they were, and all others away."""

    def work() -> None:
        db.run("DELETE FROM {table}")
        db.run("DELETE FROM {table}_requests")
        for conference in (OPEN, WAITING):
            conferences.add(db, conference)

    db.transaction(work)


_INVITED = {"iid": str(WAITING.iid)}
_IS_OPEN = {"iid": str(OPEN.iid)}
_ADMIN = {**_INVITED, "aid": str(WAITING.aid)}
_PERSON = {"Sec-Fetch-Mode": "navigate", "Sec-Purpose": "", "Purpose": ""}
_PAGE = {"Accept-Language": "de", "Host": "planado.example"}
# Every page may be asked for in a language that the visitor has chosen.
_CHOSEN = {"language": "de"}
_CALL = {**_PAGE, "Origin": "https://other.example"}
_BEARER = {**_CALL, "Authorization": f"Bearer {WAITING.aid}"}
_UNSTORED = {"name": "Team meeting", "timezone": ZONE, "duration": "60"}
_FIELDS = {
    **_UNSTORED,
    "date": "2027-03-09",
    "time": "09:00",
    "repeat": "1weekly",
    "count": "3",
}
_BOOKED = {
    **_UNSTORED,
    "start": "2027-03-09T09:00",
    "repeat": "1weekly",
    "count": "3",
}
_CHANGED = {name: _BOOKED[name] for name in ("start", "timezone", "repeat", "count")}
_ENTRY = {
    **_UNSTORED,
    "time": str(WAITING.time),
    "repeat": "1weekly",
    "count": "3",
    "anchor": WAITING.anchor,
    "sequence": "1",
    "status": "confirmed",
}

TARGETS = (
    Target("GET", "/", query=_CHOSEN, header=_PAGE),
    Target("POST", "/room", query=_CHOSEN, header=_PAGE),
    Target("GET", "/i", query={**_CHOSEN, "id": str(WAITING.iid)}, header=_PAGE),
    Target("GET", "/cal/{file}", {"file": f"{WAITING.iid}.ics"}, _ENTRY, header=_PAGE),
    Target(
        "GET",
        "/static/{file}",
        {"file": "planado.css"},
        {"v": "1"},
        header={"Accept-Language": "de", "Accept-Encoding": "identity", "If-None-Match": '"1"'},
    ),
    Target("GET", "/robots.txt", header=_PAGE),
    Target("GET", "/index.php", query=_CHOSEN, header=_PAGE),
    Target(
        "GET",
        "/inv.php",
        query={**_CHOSEN, "id": str(WAITING.iid), "admin": str(WAITING.aid)},
        header=_PAGE,
    ),
    Target(
        "GET",
        "/admin.php",
        query={**_CHOSEN, "id": str(WAITING.iid), "admin": str(WAITING.aid)},
        header=_PAGE,
    ),
    Target(
        "GET",
        "/cal.php",
        query={
            **_CHOSEN,
            "id": str(WAITING.iid),
            "name": "Team",
            "time": str(WAITING.time),
            "rtype": "1weekly",
            "rec": "3",
        },
        header=_PAGE,
    ),
    Target("GET", "/out.php", query={**_CHOSEN, "room": str(WAITING.rid)}, header=_PAGE),
    Target("POST", "/api/v1/rooms", header=_CALL),
    Target("GET", "/api/v1/openapi.json", header=_CALL),
    Target("OPTIONS", "/api/v1/conferences", header=_CALL),
    Target("OPTIONS", "/api/v1/conferences/{iid}", _INVITED, header=_CALL),
    Target("OPTIONS", "/api/v1/rooms", header=_CALL),
    Target("POST", "/book", form=_FIELDS, query=_CHOSEN, header=_PAGE),
    Target("GET", "/qr/{file}", {"file": f"{WAITING.iid}.svg"}, query=_CHOSEN, header=_PAGE),
    Target("POST", "/when", form=_FIELDS, query=_CHOSEN, header=_PAGE),
    Target("GET", "/i/{iid}", _INVITED, query=_CHOSEN, header={**_PAGE, **_PERSON}),
    Target("GET", "/i/{iid}", _IS_OPEN, query=_CHOSEN, header={**_PAGE, **_PERSON}),
    Target("GET", "/i/{iid}/enter", _IS_OPEN, query=_CHOSEN, header=_PAGE),
    Target(
        "GET",
        "/admin/{iid}/{aid}",
        _ADMIN,
        {**_CHOSEN, **_UNSTORED, "done": "renewed"},
        header=_PAGE,
    ),
    Target(
        "POST",
        "/admin/{iid}/{aid}",
        _ADMIN,
        form={**_FIELDS, "sequence": "1"},
        query=_CHOSEN,
        header=_PAGE,
    ),
    Target(
        "POST",
        "/admin/{iid}/{aid}/cancel",
        _ADMIN,
        form={**_UNSTORED, "sequence": "1"},
        query=_CHOSEN,
        header=_PAGE,
    ),
    Target("POST", "/admin/{iid}/{aid}/renew", _ADMIN, form=_UNSTORED, query=_CHOSEN, header=_PAGE),
    Target(
        "POST",
        "/admin/{iid}/{aid}/skip",
        _ADMIN,
        form={**_UNSTORED, "time": str(WAITING.time)},
        query=_CHOSEN,
        header=_PAGE,
    ),
    Target("GET", "/admin/{iid}/{aid}/enter", _ADMIN, query=_CHOSEN, header=_PAGE),
    Target(
        "POST",
        "/api/v1/conferences",
        json=_BOOKED,
        header={**_CALL, "Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"},
    ),
    Target("GET", "/api/v1/conferences/{iid}", _INVITED, header=_BEARER),
    Target(
        "PATCH",
        "/api/v1/conferences/{iid}",
        _INVITED,
        json=_CHANGED,
        header={**_BEARER, "If-Match": "*"},
    ),
    Target("DELETE", "/api/v1/conferences/{iid}", _INVITED, header={**_BEARER, "If-Match": "*"}),
    Target("GET", "/health", header=_PAGE),
)
