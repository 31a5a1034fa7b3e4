"""One wrong value in any setting stops the real commands, with file, key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.process import planado
from tests.unit.test_config import WRONG
from wsgi_app.config import SECTIONS

# Whatever is written there is right.
FREE = {("site", "title")}
FIRST_WRONG = {(section, key): value for section, key, value in reversed(WRONG)}
SETTINGS = [(name, key) for name, section in SECTIONS.items() for key in section._fields]


def test_each_setting_has_a_wrong_value() -> None:
    assert set(SETTINGS) == set(FIRST_WRONG) | FREE


@pytest.mark.parametrize(("section", "key"), FIRST_WRONG)
def test_a_wrong_value_stops_the_commands(tmp_path: Path, section: str, key: str) -> None:
    value = FIRST_WRONG[section, key]
    (tmp_path / "planado.ini").write_text(f"[{section}]\n{key} = {value}\n", "utf-8")
    told = f"planado.ini: [{section}] {key}: allowed is "
    served = planado(tmp_path, "serve")
    assert served.returncode == 1
    assert served.stderr.startswith(f"planado: {told}")
    assert len(served.stderr.splitlines()) == 1
    checked = planado(tmp_path, "check")
    assert checked.returncode == 1
    assert checked.stdout.startswith(f"fault  configuration: {told}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///nowhere/planado.db", "nowhere/planado.db: No such file or directory"),
        ("sqlite:///.", "SQLITE_CANTOPEN"),
        ("mysql://me@a..b/planado", "cannot connect to a..b:3306: "),
        ("mysql://me@nowhere.invalid/planado", "cannot connect to nowhere.invalid:3306: its name"),
        ("mysql://me@127.0.0.1:1/planado?password_file=none", "password_file: FileNotFoundError"),
        ("mysql://me@127.0.0.1:1/planado?password_file=latin1", "password_file: UnicodeDecodeE"),
        ("mysql://me@127.0.0.1:1/planado?tls_ca=none", "tls_ca: FileNotFoundError"),
        ("mysql://me@127.0.0.1:1/planado?tls_ca=latin1", "tls_ca: SSLError"),
    ],
)
def test_a_database_that_cannot_be_there_is_named(tmp_path: Path, url: str, told: str) -> None:
    (tmp_path / "latin1").write_bytes(b"\xff\n")
    (tmp_path / "planado.ini").write_text(f"[database]\nurl = {url}\n", "utf-8")
    for command in ("serve", "cleanup", "init-db"):
        done = planado(tmp_path, command)
        if command == "cleanup" and "no database yet" in done.stderr:
            continue
        assert done.returncode == 1
        assert told in done.stderr
        assert "Traceback" not in done.stderr
