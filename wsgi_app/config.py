"""planado.ini → a Config, which nothing can change. Every setting stands here once: its type, the
parser that says what is allowed, and its default.
"""
# The parsers are read from the annotations, so these must not become strings: without
# `from __future__ import annotations`.

import configparser
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from .domain.conference import Limits, OpeningHours
from .setting_parsers import (
    Listen,
    list_of,
    one_of,
    origin_of,
    parse_base_url,
    parse_folder,
    parse_languages,
    parse_listen,
    parse_origins,
    parse_proxy,
    parse_room_url,
    parse_switch,
    parse_table,
    parse_text,
    parse_timezone,
    parse_web_address,
    whole_number,
    whole_number_or_auto,
)
from .storage.url import DatabaseUrl, parse_database_url
from .text.theme import Theme

MINUTE = 60
HOUR = 60 * MINUTE
CALENDARS = ("google", "outlook")
LARGEST_COUNT = 1000
"""Repetitions that an operator may allow, and that a link to a calendar entry may name."""


class ConfigError(Exception):
    """A setting that stops the start: names the file, the setting and what is allowed."""


class SiteSettings(NamedTuple):
    base_url: Annotated[str, parse_base_url] = ""
    title: Annotated[str, parse_text] = "Planado"
    languages: Annotated[tuple[str, ...], parse_languages] = ()
    timezone: Annotated[str, parse_timezone] = "UTC"

    @property
    def origin(self) -> str:
        """Scheme and host of base_url, empty without one."""
        return origin_of(self.base_url)

    @property
    def path(self) -> str:
        """The path of base_url, empty without one."""
        return urlsplit(self.base_url).path


class JitsiSettings(NamedTuple):
    room_url: Annotated[str, parse_room_url] = "https://meet.jit.si/{room}"
    pass_name: Annotated[bool, parse_switch] = False

    @property
    def host(self) -> str:
        return urlsplit(self.room_url).netloc

    @property
    def origin(self) -> str:
        """Scheme and host of the rooms."""
        return origin_of(self.room_url)

    def url_of(self, rid: int) -> str:
        """Return the address of a room."""
        return self.room_url.replace("{room}", str(rid))


class DatabaseSettings(NamedTuple):
    url: Annotated[DatabaseUrl, parse_database_url] = DatabaseUrl("sqlite", "planado.db")
    table: Annotated[str, parse_table] = "conferences"


class BookingSettings(NamedTuple):
    max_days_ahead: Annotated[int, whole_number(1, 3650)] = 730
    max_count: Annotated[int, whole_number(1, LARGEST_COUNT)] = 100
    default_duration: Annotated[int, whole_number(1, 1440, "min")] = 60
    """Minutes."""
    open_before: Annotated[int, whole_number(0, 720, "min", MINUTE)] = 0
    """Seconds."""


class CleanupSettings(NamedTuple):
    when: Annotated[str, one_of("request", "cron")] = "request"
    delete_after: Annotated[int, whole_number(1, 8760, "h", HOUR)] = 23 * HOUR
    """Seconds."""


class PrivacySettings(NamedTuple):
    page: Annotated[bool, parse_switch] = True
    policy_url: Annotated[str, parse_web_address] = "https://jitsi.org/meet-jit-si-privacy/"
    show_start: Annotated[bool, parse_switch] = True


class LookSettings(NamedTuple):
    calendar_links: Annotated[tuple[str, ...], list_of(*CALENDARS)] = CALENDARS
    directory: Annotated[Path | None, parse_folder] = None


class ApiSettings(NamedTuple):
    enabled: Annotated[bool, parse_switch] = True
    allowed_origins: Annotated[tuple[str, ...], parse_origins] = ()


class ServerSettings(NamedTuple):
    listen: Annotated[Listen, parse_listen] = ("127.0.0.1", 8080)
    processes: Annotated[int | None, whole_number_or_auto(1, 64)] = None
    """None for as many as suit the machine and the database."""
    threads: Annotated[int, whole_number(1, 64)] = 4
    trusted_proxy: Annotated[str, parse_proxy] = ""


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
    def opening_hours(self) -> OpeningHours:
        return OpeningHours(self.booking.open_before, self.cleanup.delete_after)

    @property
    def limits(self) -> Limits:
        return Limits(self.booking.max_days_ahead, self.booking.max_count)

    @property
    def look_folder(self) -> Path | None:
        return self.folder / self.look.directory if self.look.directory else None


SECTIONS: dict[str, type[Any]] = {
    name: section for name, section in Config.__annotations__.items() if name != "folder"
}


def parsers_of(section: type[Any]) -> dict[str, Callable[[str], Any]]:
    """Return what turns the text of each setting into its value, in the order of planado.ini."""
    return {name: kind.__metadata__[0] for name, kind in section.__annotations__.items()}


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
        sections["database"] = sections["database"]._replace(url=url)
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
    parsers = parsers_of(SECTIONS[name])
    values = {}
    for key, text in parser[name].items() if parser.has_section(name) else ():
        if key not in parsers:
            raise ConfigError(f"{file}: [{name}] has no setting {key}; it has {', '.join(parsers)}")
        values[key] = _parsed(f"{file}: [{name}] {key}", parsers[key], text.strip())
    return SECTIONS[name](**values)


def _parsed(source: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{source}: allowed is {error}") from error
