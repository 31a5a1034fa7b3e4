"""What planado.ini may say: each parser turns the text of a setting into its value, or raises
ValueError with what is allowed.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .domain.recurrence import zone_names

# What is mounted below one of these names could not be told from our own addresses.
OWN_PATHS = ("admin", "api", "book", "cal", "health", "i", "qr", "room", "static", "when")
# Linux has room for this many bytes and a zero (unix(7)).
LONGEST_SOCKET_PATH = 107

Listen = tuple[str, int] | Path
"""Host and port, or the path of a Unix socket."""


def parse_text(text: str) -> str:
    return text


def parse_switch(text: str) -> bool:
    states = configparser.ConfigParser.BOOLEAN_STATES
    if text.lower() not in states:
        raise ValueError("yes or no")
    return states[text.lower()]


def whole_number(least: int, most: int, unit: str = "", seconds: int = 1) -> Callable[[str], int]:
    """Return a parser of `N` or `N unit`; the value is N times `seconds`."""

    def parse(text: str) -> int:
        digits = text.removesuffix(unit).rstrip()
        if not re.fullmatch("[0-9]{1,9}", digits) or not least <= int(digits) <= most:
            raise ValueError(f"a whole number from {least} to {most} {unit}".rstrip())
        return int(digits) * seconds

    return parse


def whole_number_or_auto(least: int, most: int) -> Callable[[str], int | None]:
    """Return a parser of `N` or `auto`, which is None."""
    number = whole_number(least, most)

    def parse(text: str) -> int | None:
        try:
            return None if text == "auto" else number(text)
        except ValueError as error:
            raise ValueError(f"auto, or {error}") from None

    return parse


def list_of(*allowed: str) -> Callable[[str], tuple[str, ...]]:
    """Return a parser of these words between commas."""

    def parse(text: str) -> tuple[str, ...]:
        words = _words(text)
        if not set(words) <= set(allowed):
            raise ValueError("empty, or a list of " + ", ".join(allowed))
        return words

    return parse


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a parser of one of these words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return parse


def parse_languages(text: str) -> tuple[str, ...]:
    words = _words(text)
    if not all(re.fullmatch(r"[a-z]{2,3}(-[a-zA-Z0-9]{2,8})*", word) for word in words):
        raise ValueError("empty for all, or a list of language tags such as en, de")
    return words


def parse_web_address(text: str) -> str:
    allowed = "an address that begins with https:// or http://"
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ValueError(allowed) from error
    if not complete or not text.isascii() or re.search(r"[\s\"'<>;,]", text):
        raise ValueError(f"{allowed}, in ASCII")
    return text


def parse_base_url(text: str) -> str:
    parts = urlsplit(text and parse_web_address(text))
    if parts.query or parts.fragment or parts.path.strip("/").split("/")[0] in OWN_PATHS:
        own = ", ".join(OWN_PATHS)
        raise ValueError(f"empty, or an address without ? and #, its path not beginning with {own}")
    return text.rstrip("/")


def parse_origins(text: str) -> tuple[str, ...]:
    words = _words(text)
    if not all(word == "*" or _is_origin(word) for word in words):
        raise ValueError(
            "empty, *, or origins as browsers write them, such as https://www.example.org, "
            "separated by commas"
        )
    return words


def _is_origin(text: str) -> bool:
    default_ports = {"http": 80, "https": 443}
    try:
        parts = urlsplit(parse_web_address(text))
    except ValueError:
        return False
    return (
        text == origin_of(text).lower()
        and not {"@", "*"} & set(text)
        and parts.port != default_ports[parts.scheme]
    )


def parse_room_url(text: str) -> str:
    parts = urlsplit(parse_web_address(text))
    if text.count("{room}") != 1 or "{" in parts.netloc:
        raise ValueError("an address with {room} once, where the room's number belongs")
    return text


def parse_timezone(text: str) -> str:
    if text != "UTC" and text not in zone_names():
        raise ValueError("the name of an IANA time zone such as Europe/Berlin")
    return text


def parse_table(text: str) -> str:
    # The name of the table of migrations is longer, and MariaDB allows 64 characters.
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,47}", text):
        raise ValueError("up to 48 letters, digits and underscores, not beginning with a digit")
    return text


def parse_listen(text: str) -> Listen:
    """Return where to listen; raises ValueError with what is allowed."""
    path = text.removeprefix("unix:")
    if path != text and path.startswith("/") and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return Path(path)
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise ValueError(
            "HOST:PORT such as 127.0.0.1:8080, or unix:/PATH such as unix:/run/planado/socket, "
            f"its path up to {LONGEST_SOCKET_PATH} bytes long"
        )
    return match[1].strip("[]"), int(match[2])


def parse_proxy(text: str) -> str:
    from ipaddress import ip_address

    try:
        return text if text in ("", "*") else str(ip_address(text))
    except ValueError:
        raise ValueError("empty, *, or an IP address") from None


def parse_folder(text: str) -> Path | None:
    return Path(text) if text else None


def origin_of(address: str) -> str:
    """Return scheme and host of an address, empty for an empty one."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if address else ""


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
