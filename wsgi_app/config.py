"""planado.ini → a frozen Config. Every setting stands here once, with its default and what is
allowed.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .conference import Doors
from .database_url import DatabaseUrl, parse_database_url
from .look import Look
from .recurrence import zone_names

MINUTE = 60
HOUR = 60 * MINUTE
CALENDARS = ("google", "outlook")
# A mount point of one of these names could not be told from what it serves.
OWN_PATHS = ("admin", "api", "book", "cal", "health", "i", "room", "static", "when")


class ConfigError(Exception):
    """A setting that stops the start: names the file, the setting and what is allowed."""


def _setting(default: str, parse: Callable[[str], Any]) -> Any:
    """Return a dataclass field whose default is written as in planado.ini; `parse` raises
    ValueError with what is allowed.
    """
    return field(default=parse(default), metadata={"parse": parse, "text": default})


def _text(text: str) -> str:
    return text


def _switch(text: str) -> bool:
    states = configparser.ConfigParser.BOOLEAN_STATES
    if text.lower() not in states:
        raise ValueError("yes or no")
    return states[text.lower()]


def _whole(least: int, most: int, unit: str = "", seconds: int = 1) -> Callable[[str], int]:
    """Return a parser of `N` or `N unit`; the value is N times `seconds`."""
    pattern = re.compile(rf"([0-9]{{1,9}})\s*(?:{unit})?")

    def parse(text: str) -> int:
        match = pattern.fullmatch(text)
        if not match or not least <= int(match[1]) <= most:
            raise ValueError(f"a whole number from {least} to {most} {unit}".rstrip())
        return int(match[1]) * seconds

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


def parse_listen(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise ValueError("HOST:PORT such as 127.0.0.1:8080")
    return match[1].strip("[]"), int(match[2])


def _proxy(text: str) -> str:
    try:
        return text if text in ("", "*") else str(ip_address(text))
    except ValueError:
        raise ValueError("empty, *, or an IP address") from None


def _folder(text: str) -> Path | None:
    return Path(text) if text else None


@dataclass(frozen=True)
class SiteSettings:
    base_url: str = _setting("", _base_url)
    title: str = _setting("Planado", _text)
    languages: tuple[str, ...] = _setting("", _languages)
    timezone: str = _setting("UTC", _zone)

    @property
    def origin(self) -> str:
        """Scheme and host of base_url, empty without one."""
        return _origin(self.base_url)


@dataclass(frozen=True)
class JitsiSettings:
    room_url: str = _setting("https://meet.jit.si/{room}", _room_url)
    pass_name: bool = _setting("no", _switch)

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


@dataclass(frozen=True)
class DatabaseSettings:
    url: DatabaseUrl = _setting("sqlite:///planado.db", parse_database_url)
    table: str = _setting("conferences", _table)


@dataclass(frozen=True)
class BookingSettings:
    max_days_ahead: int = _setting("730", _whole(1, 3650))
    max_count: int = _setting("100", _whole(1, 1000))
    default_duration: int = _setting("60 min", _whole(1, 1440, "min"))
    """Minutes."""
    open_before: int = _setting("0 min", _whole(0, 720, "min", MINUTE))
    """Seconds."""


@dataclass(frozen=True)
class CleanupSettings:
    when: str = _setting("request", _choice("request", "cron"))
    delete_after: int = _setting("23 h", _whole(1, 8760, "h", HOUR))
    """Seconds."""


@dataclass(frozen=True)
class PrivacySettings:
    page: bool = _setting("yes", _switch)
    policy_url: str = _setting("https://jitsi.org/meet-jit-si-privacy/", _web_address)
    show_start: bool = _setting("yes", _switch)


@dataclass(frozen=True)
class LookSettings:
    calendar_links: tuple[str, ...] = _setting("google, outlook", _words(CALENDARS))
    directory: Path | None = _setting("", _folder)


@dataclass(frozen=True)
class ApiSettings:
    enabled: bool = _setting("yes", _switch)
    allowed_origins: tuple[str, ...] = _setting("", _origins)


@dataclass(frozen=True)
class ServerSettings:
    listen: tuple[str, int] = _setting("127.0.0.1:8080", parse_listen)
    threads: int = _setting("4", _whole(1, 64))
    trusted_proxy: str = _setting("", _proxy)


@dataclass(frozen=True)
class Config:
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
    def look_folder(self) -> Path | None:
        return self.folder / self.look.directory if self.look.directory else None


SECTIONS: dict[str, type] = {
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
        sections["database"] = DatabaseSettings(url=url, table=sections["database"].table)
    config = Config(folder=file.resolve().parent if file else Path.cwd(), **sections)
    _check_look(file, config)
    return config


def _check_look(file: Path | None, config: Config) -> None:
    if config.look_folder and not config.look_folder.is_dir():
        raise ConfigError(f"{file}: [look] directory: allowed is a folder that is there, or empty")
    look = Look(config.look_folder)
    offered = look.languages
    if not set(config.site.languages) <= set(offered):
        raise ConfigError(f"{file}: [site] languages: allowed is any of {', '.join(offered)}")
    # The built-in translations are known to be in order, and slow to read for nothing.
    for language in offered if config.look_folder else ():
        try:
            look.texts(language)
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
    settings = {setting.name: setting for setting in fields(SECTIONS[name])}
    values = {}
    for key, text in parser[name].items() if parser.has_section(name) else ():
        if key not in settings:
            raise ConfigError(
                f"{file}: [{name}] has no setting {key}; it has {', '.join(settings)}"
            )
        values[key] = _parsed(
            f"{file}: [{name}] {key}", settings[key].metadata["parse"], text.strip()
        )
    return SECTIONS[name](**values)


def _parsed(source: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{source}: allowed is {error}") from error


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if address else ""
