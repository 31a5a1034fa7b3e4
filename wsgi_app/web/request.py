"""What a handler knows of a request: its fields, its moment, and the settings of Planado."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from ..config import Config
from ..text.cache import CacheKey, PageCache
from ..text.html import Html, Page
from ..text.messages import Texts, choose_language
from ..text.theme import Theme
from .response import Problem

LARGEST_BODY = 16 * 1024
# Bytes. Our own links stay below the half of it.
LONGEST_QUERY = 4 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"

Value = TypeVar("Value")

_MOST_FIELDS = 100
# At most as long as a name can be, in bytes (RFC 1035 section 2.3.4).
_HOST = re.compile(r"(?!.{256})([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class Fields:
    """The fields of a query or a form; a missing one is empty, `duplicates` names repeated ones."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        times = Counter(name for name, _ in pairs)
        self.duplicates = frozenset(name for name in times if times[name] > 1)
        self._values = dict(reversed(pairs))

    def __getitem__(self, name: str) -> str:
        return self._values.get(name, "")

    def encoded_with(self, name: str, value: str) -> str:
        """Return the fields as the query of an address, one of them with another value."""
        return urlencode({**self._values, name: value}, quote_via=quote)


class Lazy(Generic[Value]):
    """A property that is worked out at its first use and then cached.

    functools.cached_property has a lock until Python 3.11: a body that arrives slowly would hold
    up everybody else's.
    """

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work = work

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Value:
        value = instance.__dict__[self._name] = self._work(instance)
        return value


class Request:
    """A request: `now`, in UNIX seconds, is read once, so that all of an answer means the same
    moment.
    """

    def __init__(
        self,
        environ: Mapping[str, Any],
        config: Config,
        theme: Theme,
        page_cache: PageCache,
        now: float,
    ) -> None:
        self.environ = environ
        # Missing where uWSGI was sent no request line.
        self.method: str = environ.get("REQUEST_METHOD", "")
        self.config = config
        self.theme = theme
        self._page_cache = page_cache
        self.now = now
        self.path_values: Mapping[str, str] = {}

    @Lazy
    def path(self) -> str:
        """The path below the mount point; raises Problem where it is not UTF-8."""
        try:
            path: str = self.environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
        except UnicodeDecodeError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, "problem_bad_request") from error
        # A proxy may pass on the whole path that base_url begins with.
        mount = self.config.site.path
        if mount and (path == mount or path.startswith(f"{mount}/")):
            path = path.removeprefix(mount)
        return path or "/"

    @Lazy
    def query_string(self) -> str:
        """What follows the `?`; raises Problem where that is longer than 4 KiB."""
        query: str = self.environ.get("QUERY_STRING", "")
        if len(query) > LONGEST_QUERY:
            raise Problem(HTTPStatus.REQUEST_URI_TOO_LONG, "problem_query_long")
        return query

    @Lazy
    def query(self) -> Fields:
        """The fields after the `?`; raises Problem where they are too long or not UTF-8, or an
        escape is broken.
        """
        return _decoded(self.query_string.encode("latin-1"))

    @Lazy
    def form(self) -> Fields:
        """The fields of a posted form; raises Problem where it is too large, no form or broken."""
        return _decoded(self._body_of_type(FORM_TYPE))

    @Lazy
    def json(self) -> dict[str, Any] | None:
        """The JSON object that was sent, None without a body; raises Problem like `form`."""
        body = self._body_of_type(JSON_TYPE)
        if not body:
            return None
        try:
            value = json.loads(
                body, object_pairs_hook=_unique_names, parse_constant=_refuse_constant
            )
            if not isinstance(value, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError) as error:
            raise Problem(HTTPStatus.BAD_REQUEST, "problem_json") from error
        return value

    def refuse_long_query(self) -> None:
        """Raise Problem where the query is longer than 4 KiB."""
        _ = self.query_string

    def refuse_bad_body(self) -> None:
        """Raise Problem where the form that was sent is too large, none at all or broken."""
        _ = self.form

    @property
    def is_safe(self) -> bool:
        """Whether nothing changes when it is retried (RFC 9110 section 9.2.1)."""
        return self.method in ("GET", "HEAD")

    @property
    def asks_for_no_more(self) -> bool:
        """Whether the query names nothing but a language on offer, as that of most pages."""
        query = self.environ.get("QUERY_STRING", "")
        return not query or query == f"language={self.chosen_language}"

    @Lazy
    def is_for_api(self) -> bool:
        """Whether a program asks, which reads problems as JSON."""
        return self._begins_with("/api/")

    @Lazy
    def texts(self) -> Texts:
        """The texts of the chosen language, else of the one that Accept-Language weighs highest."""
        accepted = self.header("Accept-Language")
        return self.theme.texts(
            self.chosen_language or choose_language(accepted, self.theme.languages)
        )

    @Lazy
    def chosen_language(self) -> str:
        """The language in the address, which the visitor chose at the foot of a page; empty where
        it is not on offer.
        """
        if "language=" not in self.environ.get("QUERY_STRING", ""):
            return ""  # As nearly always: no need to read the query.
        # A calendar entry is made from its link, and links that are sent around name no language.
        if self.is_for_api or self._begins_with("/cal/"):
            return ""
        try:
            language = self.query["language"]
        except Problem:  # Reported where the query is needed.
            return ""
        return language if language in self.theme.languages else ""

    def header(self, name: str) -> str:
        """Return a header, empty where it was not sent."""
        return self.header_if_sent(name) or ""

    def header_if_sent(self, name: str) -> str | None:
        """Return a header, None where it was not sent."""
        value: str | None = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return value

    def url(self, path: str) -> str:
        """Return the absolute address of a path of ours, which is percent-encoded already."""
        return self._root + path

    def page_url(self, path: str) -> str:
        """Return the absolute address of a page, in the language that this visitor chose; links to
        share are a `url`.
        """
        if not self.chosen_language:
            return self.url(path)
        return self.url(path) + ("&" if "?" in path else "?") + f"language={self.chosen_language}"

    def cached_page(self, name: str, make: Callable[[], Page]) -> Page:
        """Return the page of that name from the cache, or made by `make` where it is not there.

        It may depend on nothing but its name, the language and where our links begin. A query in
        its links to other languages keeps it out of the cache.
        """
        if not self.asks_for_no_more:
            return make()
        key = CacheKey(self._root, self.texts.language, self.chosen_language, name)
        return self._page_cache.get(key, make)

    def static_url(self, name: str) -> str:
        """Return the address of a static file, another one whenever its content changes."""
        file = self.theme.static_file(name)
        return self.url(f"/static/{name}" + (f"?v={file.etag}" if file else ""))

    def markup(self, template: str, **values: object) -> Html:
        """Return a template in the visitor's language with the values filled in."""
        return self.theme.template_in(template, self.texts.language).render({}, **values)

    @Lazy
    def _root(self) -> str:
        if self.config.site.base_url:
            return self.config.site.base_url
        # A proxy that is trusted may have put what a stranger sent into all three.
        server = f"{self.environ['SERVER_NAME']}:{self.environ['SERVER_PORT']}"
        hosts = (self.environ.get("HTTP_HOST", ""), server)
        host = next(filter(_HOST.fullmatch, hosts), "localhost")
        scheme = "https" if self.environ["wsgi.url_scheme"].lower() == "https" else "http"
        mount = self.environ.get("SCRIPT_NAME", "")
        if mount:
            mount = quote(mount.encode("latin-1")).rstrip("/")
        return f"{scheme}://{host}{mount}"

    def _begins_with(self, path: str) -> bool:
        asked: str = self.environ.get("PATH_INFO", "")
        return asked.removeprefix(self.config.site.path).startswith(path)

    def _body_of_type(self, wanted: str) -> bytes:
        content_type = self.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        if self._body and content_type != wanted:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "problem_media_type")
        return self._body

    @Lazy
    def _body(self) -> bytes:
        length: str = self.environ.get("CONTENT_LENGTH", "")
        if length:
            if not re.fullmatch("[0-9]{1,18}", length):
                raise Problem(HTTPStatus.BAD_REQUEST, "problem_bad_request")
            if int(length) > LARGEST_BODY:
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "problem_too_large")
        # Hosts that undo a chunked body say so; without that its end cannot be known.
        elif not self.environ.get("wsgi.input_terminated"):
            if self.header("Transfer-Encoding"):
                raise Problem(HTTPStatus.LENGTH_REQUIRED, "problem_length_required")
            return b""
        try:
            body: bytes = self.environ["wsgi.input"].read(int(length or LARGEST_BODY + 1))
        except MemoryError:
            raise
        except Exception as error:
            # Each host has exceptions of its own for a broken chunk and for a visitor who left.
            raise Problem(HTTPStatus.BAD_REQUEST, "problem_bad_request") from error
        if len(body) > LARGEST_BODY:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "problem_too_large")
        if length and len(body) < int(length):
            raise Problem(HTTPStatus.BAD_REQUEST, "problem_bad_request")
        return body


def _decoded(encoded: bytes) -> Fields:
    try:
        text = encoded.decode("utf-8")
        if re.search(r"%(?![0-9A-Fa-f]{2})", text):
            raise ValueError("broken escape")
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "problem_bad_request") from error
    return Fields(pairs)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name twice")
    return names


def _refuse_constant(name: str) -> None:
    # Python reads NaN and Infinity, which are no JSON (RFC 8259 section 6).
    raise ValueError(name)
