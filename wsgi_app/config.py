"""planado.ini → a frozen Config. Every setting stands here once, with its default and what is
allowed.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from .domain.conference import Doors, Limits
from .domain.recurrence import zone_names
from .storage.url import parse_database_url
from .text.theme import Theme

MINUTE = 60
HOUR = 60 * MINUTE
CALENDARS = ("google", "outlook")
LARGEST_COUNT = 1000
"""Repetitions that an operator may allow, and that a link to a calendar entry may name."""
# A mount point of one of these names could not be told from what it serves.
OWN_PATHS = ("admin", "api", "book", "cal", "health", "i", "qr", "room", "static", "when")
# Linux has room for this many bytes and a zero (unix(7)).
LONGEST_SOCKET_PATH = 107

Listen = tuple[str, int] | Path
"""Host and port, or the path of a Unix socket."""


Value = TypeVar("Value")


class ConfigError(Exception):
    """A setting that stops the start: names the file, the setting and what is allowed."""


class Setting(Generic[Value]):
    """One setting of a section: its default as planado.ini writes it, and `parse`, which raises
    ValueError with what is allowed.
    """

    def __init__(self, default: str, parse: Callable[[str], Value]) -> None:
        self.default = default
        self.parse = parse

    def __set_name__(self, section: type[Section], name: str) -> None:
        self._name = name

    def __get__(self, section: Section, owner: type[Section]) -> Value:
        # Python comes here only for a value that the section does not have yet.
        value = self.parse(self.default)
        vars(section)[self._name] = value
        return value


class Section:
    """The settings of a section; one that is not in `values` has its default."""

    def __init__(self, **values: object) -> None:
        vars(self).update(values)

    @classmethod
    def settings(cls) -> dict[str, Setting[Any]]:
        """Return the settings by name, in the order of planado.ini."""
        return {name: value for name, value in vars(cls).items() if isinstance(value, Setting)}


def _text(text: str) -> str:
    return text


def _switch(text: str) -> bool:
    states = configparser.ConfigParser.BOOLEAN_STATES
    if text.lower() not in states:
        raise ValueError("yes or no")
    return states[text.lower()]


def _whole(least: int, most: int, unit: str = "", seconds: int = 1) -> Callable[[str], int]:
    """Return a parser of `N` or `N unit`; the value is N times `seconds`."""

    def parse(text: str) -> int:
        digits = text.removesuffix(unit).rstrip()
        if not re.fullmatch("[0-9]{1,9}", digits) or not least <= int(digits) <= most:
            raise ValueError(f"a whole number from {least} to {most} {unit}".rstrip())
        return int(digits) * seconds

    return parse


def _automatic(least: int, most: int) -> Callable[[str], int | None]:
    """Return a parser of `N` or `auto`, which is None."""
    number = _whole(least, most)

    def parse(text: str) -> int | None:
        try:
            return None if text == "auto" else number(text)
        except ValueError as error:
            raise ValueError(f"auto, or {error}") from None

    return parse


def _words(allowed: tuple[str, ...] = ()) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(word.strip() for word in text.split(",") if word.strip())
        if allowed and not set(words) <= set(allowed):
            raise ValueError("empty, or a list of " + ", ".join(allowed))
        return words

    return parse


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return parse


def _languages(text: str) -> tuple[str, ...]:
    words = _words()(text)
    if not all(re.fullmatch(r"[a-z]{2,3}(-[a-zA-Z0-9]{2,8})*", word) for word in words):
        raise ValueError("empty for all, or a list of language tags such as en, de")
    return words


def _web_address(text: str) -> str:
    allowed = "an address that begins with https:// or http://"
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ValueError(allowed) from error
    if not complete or not text.isascii() or re.search(r"[\s\"'<>;,]", text):
        raise ValueError(f"{allowed}, in ASCII")
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text and _web_address(text))
    if parts.query or parts.fragment or parts.path.strip("/").split("/")[0] in OWN_PATHS:
        own = ", ".join(OWN_PATHS)
        raise ValueError(f"empty, or an address without ? and #, its path not beginning with {own}")
    return text.rstrip("/")


def _origins(text: str) -> tuple[str, ...]:
    words = _words()(text)
    if not all(word == "*" or _is_origin(word) for word in words):
        raise ValueError(
            "empty, *, or origins as browsers write them, such as https://www.example.org, "
            "separated by commas"
        )
    return words


def _is_origin(text: str) -> bool:
    default_ports = {"http": 80, "https": 443}
    try:
        parts = urlsplit(_web_address(text))
    except ValueError:
        return False
    return (
        text == _origin(text).lower()
        and not {"@", "*"} & set(text)
        and parts.port != default_ports[parts.scheme]
    )


def _room_url(text: str) -> str:
    parts = urlsplit(_web_address(text))
    if text.count("{room}") != 1 or "{" in parts.netloc:
        raise ValueError("an address with {room} once, where the room's number belongs")
    return text


def _zone(text: str) -> str:
    if text != "UTC" and text not in zone_names():
        raise ValueError("the name of an IANA time zone such as Europe/Berlin")
    return text


def _table(text: str) -> str:
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


def _proxy(text: str) -> str:
    from ipaddress import ip_address

    try:
        return text if text in ("", "*") else str(ip_address(text))
    except ValueError:
        raise ValueError("empty, *, or an IP address") from None


def _folder(text: str) -> Path | None:
    return Path(text) if text else None


class SiteSettings(Section):
    base_url = Setting("", _base_url)
    title = Setting("Planado", _text)
    languages = Setting("", _languages)
    timezone = Setting("UTC", _zone)

    @property
    def origin(self) -> str:
        """Scheme and host of base_url, empty without one."""
        return _origin(self.base_url)

    @cached_property
    def path(self) -> str:
        """The path of base_url, empty without one."""
        return urlsplit(self.base_url).path


class JitsiSettings(Section):
    room_url = Setting("https://meet.jit.si/{room}", _room_url)
    pass_name = Setting("no", _switch)

    @property
    def host(self) -> str:
        return urlsplit(self.room_url).netloc

    @property
    def origin(self) -> str:
        """Scheme and host of the rooms."""
        return _origin(self.room_url)

    def url_of(self, rid: int) -> str:
        """Return the address of a room."""
        return self.room_url.replace("{room}", str(rid))


class DatabaseSettings(Section):
    url = Setting("sqlite:///planado.db", parse_database_url)
    table = Setting("conferences", _table)


class BookingSettings(Section):
    max_days_ahead = Setting("730", _whole(1, 3650))
    max_count = Setting("100", _whole(1, LARGEST_COUNT))
    default_duration = Setting("60 min", _whole(1, 1440, "min"))
    """Minutes."""
    open_before = Setting("0 min", _whole(0, 720, "min", MINUTE))
    """Seconds."""


class CleanupSettings(Section):
    when = Setting("request", _choice("request", "cron"))
    delete_after = Setting("23 h", _whole(1, 8760, "h", HOUR))
    """Seconds."""


class PrivacySettings(Section):
    page = Setting("yes", _switch)
    policy_url = Setting("https://jitsi.org/meet-jit-si-privacy/", _web_address)
    show_start = Setting("yes", _switch)


class LookSettings(Section):
    calendar_links = Setting("google, outlook", _words(CALENDARS))
    directory = Setting("", _folder)


class ApiSettings(Section):
    enabled = Setting("yes", _switch)
    allowed_origins = Setting("", _origins)


class ServerSettings(Section):
    listen = Setting("127.0.0.1:8080", parse_listen)
    processes = Setting("auto", _automatic(1, 64))
    """None for as many as suit the machine and the database."""
    threads = Setting("4", _whole(1, 64))
    trusted_proxy = Setting("", _proxy)


class Config(NamedTuple):
    """All settings. `folder` is where relative paths in them begin."""

    site: SiteSettings = SiteSettings()
    jitsi: JitsiSettings = JitsiSettings()
    database: DatabaseSettings = DatabaseSettings()
    booking: BookingSettings = BookingSettings()
    cleanup: CleanupSettings = CleanupSettings()
    privacy: PrivacySettings = PrivacySettings()
    look: LookSettings = LookSettings()
    api: ApiSettings = ApiSettings()
    server: ServerSettings = ServerSettings()
    folder: Path = Path()

    @property
    def doors(self) -> Doors:
        return Doors(self.booking.open_before, self.cleanup.delete_after)

    @property
    def limits(self) -> Limits:
        return Limits(self.booking.max_days_ahead, self.booking.max_count)

    @property
    def look_folder(self) -> Path | None:
        return self.folder / self.look.directory if self.look.directory else None


SECTIONS: dict[str, type[Section]] = {
    "site": SiteSettings,
    "jitsi": JitsiSettings,
    "database": DatabaseSettings,
    "booking": BookingSettings,
    "cleanup": CleanupSettings,
    "privacy": PrivacySettings,
    "look": LookSettings,
    "api": ApiSettings,
    "server": ServerSettings,
}


def find_config(environ: Mapping[str, str], file: str | None = None) -> Path | None:
    """Return the configuration file: `file`, else $PLANADO_CONFIG, else ./planado.ini where there
    is one.
    """
    if file or environ.get("PLANADO_CONFIG"):
        return Path(file or environ["PLANADO_CONFIG"])
    default = Path("planado.ini")
    return default if default.exists() else None


def load_config(file: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Return the settings of `file`, or the defaults without one; raises ConfigError."""
    parser = _read(file)
    for name in parser.sections():
        if name not in SECTIONS:
            raise ConfigError(f"{file}: unknown section [{name}]; there are {', '.join(SECTIONS)}")
    sections = {name: _section(file, name, parser) for name in SECTIONS}
    if environ.get("PLANADO_DATABASE_URL"):
        url = _parsed("PLANADO_DATABASE_URL", parse_database_url, environ["PLANADO_DATABASE_URL"])
        vars(sections["database"])["url"] = url
    config = Config(folder=file.resolve().parent if file else Path.cwd(), **sections)
    _check_look(file, config)
    return config


def _check_look(file: Path | None, config: Config) -> None:
    if config.look_folder and not config.look_folder.is_dir():
        raise ConfigError(f"{file}: [look] directory: allowed is a folder that is there, or empty")
    if not (config.look_folder or config.site.languages):
        return
    theme = Theme(config.look_folder)
    offered = theme.languages
    if not set(config.site.languages) <= set(offered):
        raise ConfigError(f"{file}: [site] languages: allowed is any of {', '.join(offered)}")
    # The built-in translations are known to be in order, and slow to read for nothing.
    for language in offered if config.look_folder else ():
        try:
            theme.texts(language)
        except ValueError as error:
            raise ConfigError(
                f"{config.look_folder}/translations/{language}.json: {error}"
            ) from None


def _read(file: Path | None) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    if file:
        try:
            parser.read_string(file.read_text("utf-8-sig"), str(file))
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise ConfigError(f"{file}: {error}") from error
    return parser


def _section(file: Path | None, name: str, parser: configparser.ConfigParser) -> Any:
    settings = SECTIONS[name].settings()
    values = {}
    for key, text in parser[name].items() if parser.has_section(name) else ():
        if key not in settings:
            raise ConfigError(
                f"{file}: [{name}] has no setting {key}; it has {', '.join(settings)}"
            )
        values[key] = _parsed(f"{file}: [{name}] {key}", settings[key].parse, text.strip())
    return SECTIONS[name](**values)


def _parsed(source: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{source}: allowed is {error}") from error


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if address else ""
