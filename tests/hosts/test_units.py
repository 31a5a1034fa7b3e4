"""What the units of systemd run, under the filter of system calls that they set."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyseccomp
import pytest

from tests.conftest import missing
from tests.hosts.site import DEPLOY
from tests.support.process import ROOT, Server, planado
from tests.support.visitors import FORM, booking_form

STARVING = "import os, sys; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))"


def named(word: str) -> set[str]:
    """Return the system calls that a word of SystemCallFilter= stands for."""
    if not word.startswith("@"):
        return {word}
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    ).stdout
    found: set[str] = set()
    for line in told.splitlines()[1:]:
        if line.strip() and not line.strip().startswith("#"):
            found |= named(line.strip())
    return found


def allowed_calls(unit: str) -> set[str]:
    """Return the system calls that a unit allows (systemd.exec, SystemCallFilter=)."""
    if not shutil.which("systemd-analyze"):
        missing("systemd-analyze", "apt-get install systemd")
    # What systemd itself needs to start a process.
    allowed = named("@default") | {"execve"}
    text = (DEPLOY / unit).read_text("utf-8")
    lines = re.findall(r"^SystemCallFilter=(~?)(.*)$", text, re.MULTILINE)
    assert lines, f"{unit} sets no filter"
    for denies, words in lines:
        calls = set().union(*map(named, words.split()))
        allowed = allowed - calls if denies else allowed | calls
    # SQLite gives its files away where root runs it, which no unit does.
    return allowed | {"fchown"} if os.getuid() == 0 else allowed


def under_filter(unit: str) -> Callable[[], None]:
    """Return what puts a process under the filter of a unit: any other call ends it."""
    calls = allowed_calls(unit)

    def install() -> None:
        filtered = pyseccomp.SyscallFilter(pyseccomp.KILL_PROCESS)
        for call in calls:
            # A call of another architecture.
            with suppress(ValueError, OSError):
                filtered.add_rule(pyseccomp.ALLOW, call)
        filtered.load()

    return install


@pytest.fixture(scope="module", autouse=True)
def filters_can_be_set() -> None:
    """Filters are known to bite here."""
    done = subprocess.run(
        [sys.executable, "-c", STARVING],
        preexec_fn=under_filter("planado.service"),
        check=False,
    )
    assert done.returncode == -31, "a call that no unit allows went through"


def test_the_service_serves_with_several_processes(tmp_path: Path) -> None:
    (tmp_path / "planado.ini").write_text("[server]\nprocesses = 2\n")
    server = Server(tmp_path, preexec=under_filter("planado.service"))
    try:
        for _ in range(8):
            response, text = server.request("POST", "/book", booking_form(), **FORM)
            assert response.status == 200, text
        processes = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        assert {len(os.sched_getaffinity(int(each))) for each in processes} == {1}
    finally:
        server.stop()
    assert len(server.printed().splitlines()) == 1, server.printed()


def test_the_cleanup_gives_way_to_visitors(tmp_path: Path) -> None:
    assert planado(tmp_path, "init-db").returncode == 0
    done = subprocess.run(
        [sys.executable, ROOT / "planado.py", "cleanup"],
        cwd=tmp_path,
        preexec_fn=under_filter("planado-cleanup.service"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "deleted 0, advanced 0\n"), done.stderr
