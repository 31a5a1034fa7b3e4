"""A coverage-guided fuzz of the WSGI callable: `script/fuzz SECONDS`.

An input is a request as text: a line with method and address, headers, an empty line, the body. An
address below /mount is asked for under that mount; a header `Settings: other` asks an application
with other settings. What libFuzzer finds it writes to `fuzz-findings/` in the current folder; give
such a file in place of the seconds to run it again.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import re
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes
from wsgiref import validate
from wsgiref.validate import WSGIWarning, validator
from zlib import crc32

import atheris
import html5lib

with atheris.instrument_imports(include=["wsgi_app"]):
    from tests.support.targets import NOW, OPEN, TARGETS, WAITING, Target, store
    from tests.support.wsgi import call
    from wsgi_app.application import Application
    from wsgi_app.config import load_config
    from wsgi_app.storage.migrations import migrate
    from wsgi_app.storage.opening import open_database

MOUNT = "/mount"
OTHER_SETTINGS = """
[site]
base_url = https://planado.example/mount
[booking]
open_before = 10 min
[privacy]
page = no
show_start = no
[api]
allowed_origins = *
"""
_SECRETS = [str(conference.aid) for conference in (OPEN, WAITING)]
_KNOWN_TO = {str(WAITING.rid): str(WAITING.aid)}
_LONGEST_PAGE_ALWAYS_PARSED = 4000


class Fuzz:
    """Two applications on one SQLite file, and what is asked of each of their answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.applications = {
            name: self._application(name, ini)
            for name, ini in {"": "", "other": OTHER_SETTINGS}.items()
        }
        logging.getLogger("planado").addHandler(_Failing())

    def _application(self, name: str, ini: str) -> Application:
        file = self.folder / f"{name or 'default'}.ini"
        file.write_text(ini, "utf-8")
        config = load_config(file, {})
        database = open_database(config.database.url, "conferences", self.folder)
        migrate(database)
        # What is stored may be lost with the power here, and costs less so.
        database.run("PRAGMA synchronous = OFF")
        store(database)
        return Application(config, database, lambda: NOW)

    def one_input(self, sent: bytes) -> None:
        """Send one request; raises an exception where its answer is no good one."""
        environ = environ_of(sent)
        application = self.applications["other" if environ.get("HTTP_SETTINGS") == "other" else ""]
        status, headers, body = _answer(application, environ)
        assert status < 500, status
        _check_headers(headers, status, body, environ["REQUEST_METHOD"])
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        _check_secrets(sent, environ, headers, body)
        content_type = headers.get("Content-Type", "")
        if body and "json" in content_type:
            json.loads(body)
        elif body and content_type.startswith("text/html") and _is_parsed(sent, body):
            html5lib.HTMLParser(strict=True).parse(body.decode("utf-8"))
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD", "OPTIONS"):
            store(application.database)


class _Failing(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


def environ_of(sent: bytes) -> dict[str, Any]:
    """Return the request that a text describes, whatever it is."""
    head, _, body = sent.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, address = first.partition(" ")
    path, _, query = address.partition("?")
    script_name = ""
    if path.startswith(MOUNT + "/"):
        script_name, path = MOUNT, path.removeprefix(MOUNT)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for line in lines:
        name, _, value = line.partition(":")
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value.strip()
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_LENGTH", str(len(body)))
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["CONTENT_LENGTH"] = ""
        environ["wsgi.input_terminated"] = environ["HTTP_TRANSFER_ENCODING"] == "chunked"
    return environ


def text_of(target: Target, mount: str = "", settings: str = "") -> bytes:
    """Return the text that describes a target's harmless request: a seed."""
    environ = target.environ({})
    query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
    headers = dict(target.header)
    if environ["CONTENT_TYPE"]:
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    if settings:
        headers["Settings"] = settings
    lines = [f"{target.method} {mount}{environ['PATH_INFO']}{query}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    body: bytes = environ["wsgi.input"].read()
    return "\n".join(lines).encode("latin-1") + b"\n\n" + body


def write_seeds(folder: Path) -> None:
    """Write each target's request, at the root and below a mount with other settings."""
    for number, target in enumerate(TARGETS):
        (folder / f"{number}").write_bytes(text_of(target))
        (folder / f"{number}-mount").write_bytes(text_of(target, MOUNT, "other"))
        if target.method == "GET":
            (folder / f"{number}-head").write_bytes(text_of(replace(target, method="HEAD")))


def write_words(file: Path) -> None:
    """Write the words that requests are made of, in libFuzzer's format."""
    words = {"\\xff", "%00", "%0d%0a", "\\x0d\\x0a", "\\\\ud800", "%F0%9F%98%80", "chunked", "NaN"}
    for target in TARGETS:
        for name, value in target.parameters.items():
            words |= {name.partition(".")[2], value.replace('"', '\\"')}
    file.write_text("".join(f'"{word}"\n' for word in sorted(words) if word), "utf-8")


def _answer(application: Application, environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    callable_: Any = validator(application) if _is_valid(environ) else application
    status, headers, body = call(callable_, environ)
    names = [name.lower() for name, _ in headers]
    assert len(names) == len(set(names)), "a header twice"
    return int(status[:3]), dict(headers), body


def _is_valid(environ: dict[str, Any]) -> bool:
    try:
        # The type stubs leave it out.
        validate.check_environ(environ)  # type: ignore[attr-defined]
    except (AssertionError, ValueError):
        # No server sends such a request; it still may not break anything.
        return False
    return True


def _check_headers(headers: dict[str, str], status: int, body: bytes, method: str) -> None:
    for name, value in headers.items():
        assert name.isascii(), name
        value.encode("latin-1")
        assert not set("\r\n\0") & set(value), name
    assert "Set-Cookie" not in headers
    if method != "HEAD" and status not in (204, 304):
        assert headers["Content-Length"] == str(len(body))
    elif method == "HEAD":
        assert body == b""


def _check_secrets(
    sent: bytes, environ: dict[str, Any], headers: dict[str, str], body: bytes
) -> None:
    """Nobody reads an admin number, or a room before its start, who did not send the admin's."""
    told = body.decode("utf-8") + "\n".join(headers.values())
    asked = sent.decode("latin-1") + environ["PATH_INFO"]
    for aid in _SECRETS:
        assert aid not in told or aid in _normal(asked), "an admin number was told"
    for rid, aid in _KNOWN_TO.items():
        known = rid in _normal(asked) or aid in _normal(asked)
        assert rid not in told or known, "a room was told before its start"


def _normal(text: str) -> str:
    """Return a text with what else it may be read as, by percent escapes and by those of JSON, and
    as our links write it: the escape of a control character ends in a digit.
    """
    unquoted = unquote_to_bytes(text.encode("latin-1", "replace"))
    decoded = unquoted.decode("latin-1")
    unescaped = re.sub(r"\\u00([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), decoded)
    return f"{text}\n{decoded}\n{unescaped}\n{quote(unquoted)}"


def _is_parsed(sent: bytes, body: bytes) -> bool:
    # Reading a page as a browser does takes longer than making it.
    return len(body) < _LONGEST_PAGE_ALWAYS_PARSED or crc32(sent) % 50 == 0


def main(argument: str) -> None:
    """Fuzz for so many seconds, or run one finding again."""
    # Of methods that the validator does not know.
    warnings.simplefilter("ignore", WSGIWarning)
    with tempfile.TemporaryDirectory(prefix="planado-fuzz-") as temporary:
        folder = Path(temporary)
        fuzz = Fuzz(folder)
        if not argument.isdecimal():
            fuzz.one_input(Path(argument).read_bytes())
            return
        corpus = folder / "corpus"
        corpus.mkdir()
        write_seeds(corpus)
        write_words(folder / "words")
        findings = Path("fuzz-findings")
        findings.mkdir(exist_ok=True)
        options = [
            f"-max_total_time={argument}",
            f"-dict={folder / 'words'}",
            f"-artifact_prefix={findings}/",
            "-max_len=20000",
            "-timeout=20",
            "-print_final_stats=1",
            "-verbosity=0" if int(argument) < 120 else "-verbosity=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], fuzz.one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1])
