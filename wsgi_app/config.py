"""planado.ini → a frozen Config. Every setting stands here once, with its default and what is
allowed.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from .domain.conference import Limits, OpeningHours
from .setting_parsers import (
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
    word_list,
)
from .storage.url import parse_database_url
from .text.theme import Look

MINUTE = 60
HOUR = 60 * MINUTE
CALENDARS = ("google", "outlook")
LARGEST_COUNT = 1000
"""Repetitions that an operator may allow, and that a link to a calendar entry may name."""

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


class SiteSettings(Section):
    base_url = Setting("", parse_base_url)
    title = Setting("Planado", parse_text)
    languages = Setting("", parse_languages)
    timezone = Setting("UTC", parse_timezone)

    @property
    def origin(self) -> str:
        """Scheme and host of base_url, empty without one."""
        return origin_of(self.base_url)

    @cached_property
    def path(self) -> str:
        """The path of base_url, empty without one."""
        return urlsplit(self.base_url).path


class JitsiSettings(Section):
    room_url = Setting("https://meet.jit.si/{room}", parse_room_url)
    pass_name = Setting("no", parse_switch)

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


class DatabaseSettings(Section):
    url = Setting("sqlite:///planado.db", parse_database_url)
    table = Setting("conferences", parse_table)


class BookingSettings(Section):
    max_days_ahead = Setting("730", whole_number(1, 3650))
    max_count = Setting("100", whole_number(1, LARGEST_COUNT))
    default_duration = Setting("60 min", whole_number(1, 1440, "min"))
    """Minutes."""
    open_before = Setting("0 min", whole_number(0, 720, "min", MINUTE))
    """Seconds."""


class CleanupSettings(Section):
    when = Setting("request", one_of("request", "cron"))
    delete_after = Setting("23 h", whole_number(1, 8760, "h", HOUR))
    """Seconds."""


class PrivacySettings(Section):
    page = Setting("yes", parse_switch)
    policy_url = Setting("https://jitsi.org/meet-jit-si-privacy/", parse_web_address)
    show_start = Setting("yes", parse_switch)


class LookSettings(Section):
    calendar_links = Setting("google, outlook", word_list(CALENDARS))
    directory = Setting("", parse_folder)


class ApiSettings(Section):
    enabled = Setting("yes", parse_switch)
    allowed_origins = Setting("", parse_origins)


class ServerSettings(Section):
    listen = Setting("127.0.0.1:8080", parse_listen)
    processes = Setting("auto", whole_number_or_auto(1, 64))
    """None for as many as suit the machine and the database."""
    threads = Setting("4", whole_number(1, 64))
    trusted_proxy = Setting("", parse_proxy)


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
