"""One wrong value in any setting stops the real commands, with file, key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.process import planado
from tests.unit.test_config import WRONG
from wsgi_app.commands.cli import run
from wsgi_app.config import SECTIONS

# Whatever is written there is right.
FREE = {("site", "title")}
FIRST_WRONG = {(section, key): value for section, key, value in reversed(WRONG)}
SETTINGS = [(name, key) for name, section in SECTIONS.items() for key in section._fields]


def test_each_setting_has_a_wrong_value() -> None:
    assert set(SETTINGS) == set(FIRST_WRONG) | FREE


@pytest.mark.parametrize(("section", "key"), FIRST_WRONG)
def test_a_wrong_value_stops_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], section: str, key: str
) -> None:
    file = tmp_path / "planado.ini"
    file.write_text(f"[{section}]\n{key} = {FIRST_WRONG[section, key]}\n", "utf-8")
    told = f"{file}: [{section}] {key}: allowed is "
    assert run(["init-db", "--config", str(file)]) == 1
    stopped = capsys.readouterr().err
    assert stopped.startswith(f"planado: {told}")
    assert len(stopped.splitlines()) == 1
    assert run(["check", "--config", str(file)]) == 1
    assert capsys.readouterr().out.startswith(f"fault  configuration: {told}")


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
