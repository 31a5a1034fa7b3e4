"""A visitor without a network: drives the WSGI callable and reads its pages as a browser would."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator
from xml.etree.ElementTree import Element

import html5lib

from tests.support.clock import HOUR, Clock
from tests.support.wsgi import call
from wsgi_app.application import Application
from wsgi_app.web.request import FORM_TYPE

A_PERSON = {"Sec-Fetch-Mode": "navigate"}


@dataclass
class Form:
    """A form of a page and what is filled in."""

    method: str
    action: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @cached_property
    def page(self) -> Element:
        """The document; a markup error fails the test."""
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        document: Element = parser.parse(self.text)
        return document

    @property
    def heading(self) -> str:
        return words(self.find("h1"))

    def find(self, path: str) -> Element:
        """Return the first element of an ElementTree path."""
        element = self.page.find(f".//{path}")
        assert element is not None, f"no {path} in {self.url}: {self.text}"
        return element

    def link(self, part: str) -> str:
        """Return the first link with `part` in its address."""
        for element in self.page.iterfind(".//a"):
            if part in element.get("href", ""):
                return element.get("href", "")
        raise AssertionError(f"no link with {part} in {self.text}")

    def form(self, action_end: str) -> Form:
        """Return the form whose address ends so, as it is filled in."""
        for element in self.page.iterfind(".//form"):
            action = element.get("action", "")
            if urlsplit(action).path.endswith(action_end):
                return Form(element.get("method", "get"), action, _filled_in(element))
        raise AssertionError(f"no form to {action_end} in {self.text}")

    def errors(self) -> dict[str, str]:
        """Return the messages beside the fields, by field."""
        found = {}
        for element in self.page.iterfind(".//p[@class='error']"):
            field_name = element.get("id", "").removesuffix("-error")
            control = self.find(f"*[@id='{field_name}']")
            assert control.get("aria-describedby") == element.get("id")
            assert control.get("aria-invalid") == "true"
            found[field_name] = words(element)
        return found


@dataclass
class Booked:
    """The links that a booking gave."""

    overview: Answer
    invitation_url: str
    admin_url: str
    calendar_url: str

    @property
    def iid(self) -> str:
        return self.invitation_url.rsplit("/", 1)[1]

    @property
    def aid(self) -> str:
        return urlsplit(self.admin_url).path.rsplit("/", 1)[1]

    @property
    def admin_path(self) -> str:
        return urlsplit(self.admin_url).path


class Visitor(ABC):
    """A visitor who opens links and fills in forms; `request` says by which way."""

    clock: Clock

    @abstractmethod
    def request(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        content_type: str | None = FORM_TYPE,
        headers: Mapping[str, str] | None = None,
    ) -> Answer: ...

    def get(self, url: str, **headers: str) -> Answer:
        return self.request("GET", url, headers=_names(headers))

    def visit(self, url: str) -> Answer:
        """Open a link as a person with a browser of today does."""
        return self.request("GET", url, headers=A_PERSON)

    def post(self, url: str, fields: Mapping[str, str] | None = None, **headers: str) -> Answer:
        return self.request("POST", url, urlencode(fields or {}).encode(), headers=_names(headers))

    def submit(self, form: Form, **changes: str) -> Answer:
        """Send a form with some fields filled in otherwise."""
        fields = {**form.fields, **changes}
        if form.method == "get":
            return self.get(f"{form.action}?{urlencode(fields)}")
        return self.post(form.action, fields)

    def book(self, **fields: str) -> Booked:
        """Book a conference, by default one in an hour."""
        answer = self.submit_booking(**fields)
        assert answer.status == 200, answer.text
        return Booked(answer, answer.link("/i/"), answer.link("/admin/"), answer.link("/cal/"))

    def submit_booking(self, **fields: str) -> Answer:
        """Open the booking form, fill it in and send it."""
        return self.submit(self.get("/").form("/book"), **self.fields(**fields))

    def fields(self, **changes: str) -> dict[str, str]:
        """Return the fields of a booking in an hour, with changes."""
        return booking_fields(self.clock, **changes)


@dataclass
class Client(Visitor):
    """A visitor of an application that is called in-process, under wsgiref's validator."""

    application: Application
    clock: Clock
    mount: str = ""
    host: str = "planado.example"
    headers: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _validated(self) -> Any:
        return validator(self.application)

    def request(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        content_type: str | None = FORM_TYPE,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
    ) -> Answer:
        parts = urlsplit(urljoin(f"http://{self.host}{self.mount}/", url))
        path = parts.path.removeprefix(self.mount)
        all_environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": self.mount,
            "PATH_INFO": _unquoted(path),
            "QUERY_STRING": parts.query,
            "HTTP_HOST": self.host,
            "wsgi.input": io.BytesIO(body),
        }
        if method in ("POST", "PUT", "PATCH"):
            all_environ["CONTENT_LENGTH"] = str(len(body))
            if content_type:
                all_environ["CONTENT_TYPE"] = content_type
        for name, value in {**self.headers, **(headers or {})}.items():
            all_environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        all_environ |= environ or {}
        setup_testing_defaults(all_environ)
        return self._call(url, {k: v for k, v in all_environ.items() if v is not None})

    def _call(self, url: str, environ: dict[str, Any]) -> Answer:
        status, headers, content = call(self._validated, environ)
        names = [name.lower() for name, _ in headers]
        assert len(names) == len(set(names)), "a header twice"
        assert "set-cookie" not in names
        return Answer(url, int(status[:3]), dict(headers), content)


def booking_fields(clock: Clock, **changes: str) -> dict[str, str]:
    """Return the fields of a booking in an hour, with changes."""
    start = clock.local("Europe/Berlin", HOUR)
    return {
        "name": "Team meeting",
        "date": start.date().isoformat(),
        "time": f"{start:%H:%M}",
        "timezone": "Europe/Berlin",
        "duration": "60",
        "repeat": "",
        "count": "",
        **changes,
    }


def query_of(url: str) -> dict[str, str]:
    """Return the fields of an address."""
    return {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}


def words(element: Element) -> str:
    """Return the text of an element, white space folded."""
    return " ".join("".join(element.itertext()).split())


def _filled_in(form: Element) -> dict[str, str]:
    fields = {}
    for element in form.iterfind(".//input"):
        fields[element.get("name", "")] = element.get("value", "")
    for element in form.iterfind(".//select"):
        options = list(element.iterfind(".//option"))
        chosen = next((o for o in options if o.get("selected") is not None), options[0])
        fields[element.get("name", "")] = chosen.get("value", words(chosen))
    return fields


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _unquoted(path: str) -> str:
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path).decode("latin-1")
