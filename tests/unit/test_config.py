"""Settings: defaults, units, and a clear word for everything that is wrong."""

from __future__ import annotations

import configparser
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from wsgi_app import routes
from wsgi_app.config import SECTIONS, Config, ConfigError, find_config, load_config, parsers_of
from wsgi_app.setting_parsers import OWN_PATHS
from wsgi_app.storage.url import DatabaseUrl, parse_database_url

ROOT = Path(__file__).parents[2]


def load(tmp_path: Path, ini: str) -> Config:
    file = tmp_path / "planado.ini"
    file.write_text(ini, "utf-8")
    return load_config(file, {})


def test_planado_ini_holds_every_setting_with_its_default() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "planado.ini", "utf-8")
    written = {name: tuple(parser[name]) for name in parser.sections()}
    assert written == {name: section._fields for name, section in SECTIONS.items()}
    assert load_config(ROOT / "planado.ini", {}) == Config(folder=ROOT)


@pytest.mark.parametrize("section", SECTIONS.values())
def test_a_setting_has_the_type_that_its_parser_returns(section: type[Any]) -> None:
    returned = {key: get_type_hints(parse)["return"] for key, parse in parsers_of(section).items()}
    assert returned == get_type_hints(section)


@pytest.mark.parametrize("name", SECTIONS)
def test_no_setting_can_be_assigned_to(name: str) -> None:
    config = Config()
    with pytest.raises(AttributeError):
        setattr(config, name, SECTIONS[name]())
    section = getattr(config, name)
    for key in parsers_of(SECTIONS[name]):
        with pytest.raises(AttributeError):
            setattr(section, key, None)


@pytest.mark.parametrize("section", SECTIONS.values())
def test_a_misspelt_setting_is_refused(section: type[Any]) -> None:
    for key in parsers_of(section):
        with pytest.raises(TypeError):
            section(**{key.upper(): None})


def test_every_setting_in_planado_ini_has_a_comment() -> None:
    lines = (ROOT / "planado.ini").read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        assert " =" not in line or line.startswith("#") or before.startswith("#"), line


def test_no_file_means_defaults_in_this_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config({}) is None
    config = load_config(None, {})
    assert config.folder == tmp_path
    assert config.opening_hours.delete_after == 23 * 3600
    (tmp_path / "planado.ini").touch()
    assert find_config({}) == Path("planado.ini")
    assert find_config({"PLANADO_CONFIG": "/a.ini"}) == Path("/a.ini")
    assert find_config({"PLANADO_CONFIG": "/a.ini"}, "/b.ini") == Path("/b.ini")


def test_units_may_be_written_or_left_out(tmp_path: Path) -> None:
    for text in ("5", "5 min", "5min"):
        assert load(tmp_path, f"[booking]\nopen_before = {text}").booking.open_before == 300
    assert load(tmp_path, "[cleanup]\ndelete_after = 2 h").cleanup.delete_after == 7200


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "planado.ini"
    file.write_text("[database]\nurl = sqlite:///a.db\ntable = t")
    config = load_config(file, {"PLANADO_DATABASE_URL": "sqlite:///b.db"})
    assert (config.database.url.name, config.database.table) == ("b.db", "t")
    with pytest.raises(ConfigError, match=r"PLANADO_DATABASE_URL: allowed is"):
        load_config(file, {"PLANADO_DATABASE_URL": "postgres://x"})


WRONG = [
    ("site", "base_url", "example.org"),
    ("site", "base_url", "https://"),
    ("site", "base_url", "https://example.org/?a=b"),
    ("site", "base_url", "javascript:alert(1)"),
    ("site", "base_url", "https://[::1"),
    ("site", "base_url", "https://example.org:99999"),
    ("site", "base_url", "https://example.org/käse"),
    ("site", "base_url", "https://example.org/room/"),
    ("site", "languages", "German"),
    ("site", "languages", "en, xx"),
    ("site", "timezone", "Berlin"),
    ("jitsi", "room_url", "https://meet.jit.si/"),
    ("jitsi", "room_url", "https://{room}.example/"),
    ("jitsi", "room_url", "https://example.org/{room}/{room}"),
    ("jitsi", "room_url", "https://мит.рф/{room}"),
    ("jitsi", "pass_name", "maybe"),
    ("database", "url", "postgres://user@host/name"),
    ("database", "url", "sqlite:"),
    ("database", "url", "mysql://user:secret@host:0/name"),
    ("database", "url", "mysql://user:secret@host/name?timeout=1"),
    ("database", "url", "mysql://user:secret@/name"),
    ("database", "table", "con ferences"),
    ("database", "table", "`x`; DROP TABLE y"),
    ("database", "table", "t" * 49),
    ("booking", "max_days_ahead", "0"),
    ("booking", "max_count", "1001"),
    ("booking", "default_duration", "1 h"),
    ("booking", "open_before", "-1"),
    ("cleanup", "when", "never"),
    ("cleanup", "delete_after", "0"),
    ("privacy", "page", "2"),
    ("privacy", "policy_url", "policy.html"),
    ("privacy", "show_start", ""),
    ("look", "calendar_links", "yahoo"),
    ("look", "directory", "nowhere"),
    ("api", "enabled", "si"),
    ("api", "allowed_origins", "https://example.org/path"),
    ("api", "allowed_origins", "https://Example.org"),
    ("api", "allowed_origins", "https://example.org:443"),
    ("api", "allowed_origins", "https://*.example.org"),
    ("api", "allowed_origins", "https://a.example https://b.example"),
    ("server", "listen", "8080"),
    ("server", "listen", "127.0.0.1:70000"),
    ("server", "listen", "unix:socket"),
    ("server", "listen", "unix:/" + "x" * 107),
    ("server", "processes", "0"),
    ("server", "processes", "many"),
    ("server", "threads", "0"),
    ("server", "trusted_proxy", "localhost"),
]


@pytest.mark.parametrize(("section", "key", "value"), WRONG)
def test_a_wrong_value_is_told_with_file_key_and_what_is_allowed(
    tmp_path: Path, section: str, key: str, value: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, f"[{section}]\n{key} = {value}")
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'planado.ini'}: [{section}] {key}: allowed is ")
    assert "secret" not in message


def test_unknown_names_are_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown section \[sites\]; there are site, jitsi"):
        load(tmp_path, "[sites]\n")
    with pytest.raises(ConfigError, match=r"\[site\] has no setting titel; it has base_url"):
        load(tmp_path, "[site]\ntitel = X")


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    for ini in ("title = X", "[site]\ntitle", "[site]\n[site]", "[site]\ntitle=a\ntitle=b"):
        with pytest.raises(ConfigError, match=r"planado\.ini"):
            load(tmp_path, ini)
    (tmp_path / "planado.ini").write_bytes(b"[site]\ntitle = \xff")
    with pytest.raises(ConfigError, match=r"planado\.ini"):
        load_config(tmp_path / "planado.ini", {})
    with pytest.raises(ConfigError, match="nowhere"):
        load_config(tmp_path / "nowhere.ini", {})


def test_database_addresses() -> None:
    assert parse_database_url("sqlite:////var/lib/p.db") == DatabaseUrl("sqlite", "/var/lib/p.db")
    assert parse_database_url("mysql://me:p%40ss@a,b:3307,[::1]:3308/name?tls=yes") == DatabaseUrl(
        "mysql",
        "name",
        hosts=(("a", 3306), ("b", 3307), ("::1", 3308)),
        user="me",
        password="p@ss",
        tls=True,
    )
    assert parse_database_url("mysql://me@/n?unix_socket=/run/s.sock") == DatabaseUrl(
        "mysql", "n", user="me", unix_socket="/run/s.sock"
    )


def test_a_mount_point_is_none_of_our_own_addresses() -> None:
    segments = {route.pattern.split("/")[1] for route in (*routes.PLAIN, *routes.STORED)}
    assert {name for name in segments if name and "." not in name} == set(OWN_PATHS)
