"""script/server and script/test on a machine that lacks things: all of it is named at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.support.process import ROOT

# What every system has.
TOOLS = ("sh", "cat", "cksum", "dirname", "id", "sed", "grep", "env")


@pytest.fixture
def bare() -> Iterator[Path]:
    """A clone that belongs to a user without rights; beside it, all programs that there are."""
    folder = Path(tempfile.mkdtemp(prefix="planado-"))
    shutil.copytree(ROOT / "script", folder / "clone/script")
    shutil.copy(ROOT / "setup.cfg", folder / "clone")
    (folder / "programs").mkdir()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    for tool in TOOLS:
        add(folder, tool)
    yield folder
    shutil.rmtree(folder)


def add(folder: Path, *programs: str) -> None:
    for program in programs:
        found = shutil.which(program)
        assert found
        (folder / "programs" / program).symlink_to(found)


def run(folder: Path, script: str, *arguments: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [shutil.which("sh") or "sh", f"script/{script}", *arguments],
        cwd=folder / "clone",
        env={"PATH": str(folder / "programs"), **environ},
        user=65534 if os.geteuid() == 0 else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(path.name for path in (folder / "clone").iterdir()) == ["script", "setup.cfg"]
    return done.returncode, done.stdout, done.stderr


def test_a_server_without_apt_names_the_python_that_it_takes(bare: Path) -> None:
    status, printed, told = run(bare, "server")
    assert (status, printed) == (1, "")
    assert told.splitlines() == [
        "Planado needs what this machine lacks. Please install",
        "    python3 python3-venv (as Debian calls them)",
        "    Python 3.11 or newer with its module venv (here is none); "
        "where it is not called python3, name it: PYTHON=/path/to/python script/server",
    ]


def test_the_tests_without_apt_name_all_that_they_take(bare: Path) -> None:
    status, _, told = run(bare, "test")
    assert status == 1
    # The server's folder is one that the script adds to the programs.
    assert told.splitlines()[1].endswith(
        " mariadb-client-core chromium curl python3 python3-venv (as Debian calls them)"
    )


def test_what_is_there_is_not_named(bare: Path) -> None:
    add(bare, "curl", "mariadbd", "chromium")
    _, _, told = run(bare, "test")
    assert (
        told.splitlines()[1]
        == "    mariadb-client-core python3 python3-venv (as Debian calls them)"
    )


def test_with_apt_and_no_way_to_be_root_it_says_the_same(bare: Path) -> None:
    if not shutil.which("apt-get"):
        missing("apt-get", "use Debian")
    add(bare, "apt-get")
    assert run(bare, "test", "all")[2].startswith("Planado needs what this machine lacks. Please")


def test_a_python_that_is_too_old_is_named(bare: Path) -> None:
    old = bare / "programs/python3"
    old.write_text("#!/bin/sh\n[ $1 = --version ] && echo Python 3.9.2\n")
    old.chmod(0o755)
    for environ, here in (
        ({}, "here is Python 3.9.2"),
        ({"PYTHON": "python9"}, "python9 is none"),
    ):
        _, _, told = run(bare, "server", **environ)
        assert told.splitlines()[1:] == [
            f"    Python 3.11 or newer with its module venv ({here}); "
            "where it is not called python3, name it: PYTHON=/path/to/python script/server"
        ]
