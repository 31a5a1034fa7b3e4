"""What docs/hosting.md has somebody do beside starting a host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.hosts.hosts import HOSTS, Programs, granian, gunicorn_gthread, uwsgi, waitress
from tests.hosts.site import DEPLOY, PYTHON, NetworkVisitor, Site, as_service_user, documented, run
from tests.support.process import ROOT

DOCUMENT = (ROOT / "docs/hosting.md").read_text("utf-8")
MOST_EXPOSURE = 20  # tenths


@pytest.fixture
def uploaded(programs: Programs, tmp_path: Path) -> Iterator[Path]:
    """The folder as it lies on a shared host."""
    yield Path(shutil.copytree(programs.upload, tmp_path / "planado"))


def test_the_folder_for_a_shared_host_needs_no_compiler(uploaded: Path) -> None:
    assert list(uploaded.rglob("*.so")) == []
    assert {"planado.cgi", ".htaccess", "planado.ini", "vendor"} <= {
        entry.name for entry in uploaded.iterdir()
    }


def test_settings_are_closed_to_others(uploaded: Path, tmp_path: Path) -> None:
    assert (uploaded / "planado.ini").stat().st_mode & 0o777 == 0o600
    command = documented("install -D")
    command[command.index("planado")] = str(os.getgid())
    command[-1] = str(tmp_path / "etc/planado.ini")
    run(command, ROOT)
    assert (tmp_path / "etc/planado.ini").stat().st_mode & 0o777 == 0o640


def test_cron_on_a_shared_host_cleans_up(uploaded: Path) -> None:
    [line] = re.findall(r"^7 \* .* cd /home/me/\S+ && (python3 .*)$", DOCUMENT, re.MULTILINE)
    cleanup = line.split()[1:]
    assert run([PYTHON, *cleanup], uploaded) == "deleted 0, advanced 0\n"
    check = [word if word != "cleanup" else "check" for word in cleanup]
    assert f"`python3 {' '.join(check)}`" in DOCUMENT
    assert "fault" not in run([PYTHON, *check], uploaded)


def test_the_units_are_in_order_and_little_exposed(programs: Programs, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        missing("systemd-analyze", "apt-get install systemd")
    planado = "/srv/planado/.venv/bin/planado"
    for unit in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")):
        text = unit.read_text("utf-8").replace(planado, f"{programs.checkout}/.venv/bin/planado")
        (tmp_path / unit.name).write_text(text, "utf-8")
    units = sorted(tmp_path.iterdir())
    run(["systemd-analyze", "verify", *units], tmp_path)
    for service in tmp_path.glob("*.service"):
        run(
            ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSURE}",
             service],
            tmp_path,
        )  # fmt: skip


def test_every_service_starts_what_the_program_has(programs: Programs, tmp_path: Path) -> None:
    config = tmp_path / "planado.ini"
    config.touch()
    unit = (DEPLOY / "planado-cleanup.service").read_text("utf-8")
    [command] = re.findall("^ExecStart=(.*)$", unit, re.MULTILINE)
    program, *words = command.replace("/etc/planado/planado.ini", str(config)).split()
    assert program == f"/srv/planado/{as_service_user('.venv/bin/planado serve')[0]}"
    assert run([programs.checkout / ".venv/bin/planado", *words], tmp_path).startswith("deleted 0")


class SiteUnderFilter(Site):
    """A site whose processes may call what planado.service allows."""

    def start(self, command: Sequence[object], **environ: str) -> None:
        program = shutil.which(str(command[0]))
        filtered = syscall_filter_of("planado.service", [program, *command[1:]])
        super().start(filtered, **environ)


def syscall_filter_of(unit: str, command: Sequence[object]) -> list[object]:
    """Return a command that runs another one with the system calls that a unit allows."""
    calls = members("@default")
    lines = re.findall("^SystemCallFilter=(.*)$", (DEPLOY / unit).read_text("utf-8"), re.MULTILINE)
    for line in lines:
        listed = set().union(*map(members, line.lstrip("~").split()))
        calls = calls - listed if line.startswith("~") else calls | listed
    return [PYTHON, Path(__file__).parent / "syscall_filter.py", ",".join(sorted(calls)), *command]


@cache
def members(name: str) -> set[str]:
    """Return the system calls of one of systemd's sets, or the one itself."""
    if not name.startswith("@"):
        return {name}
    lines = run(["systemd-analyze", "syscall-filter", name], ROOT).splitlines()[1:]
    listed = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return set().union(*map(members, listed))


@pytest.mark.parametrize("host", [waitress, gunicorn_gthread, granian, uwsgi])
def test_the_unit_lets_each_host_serve(
    programs: Programs, host: Callable[[Site, Programs], None]
) -> None:
    site = SiteUnderFilter("")
    try:
        host(site, programs)
        site.wait_until_it_answers()
        assert NetworkVisitor(site).book().iid
    finally:
        site.stop()


def test_the_unit_lets_the_clean_up_run(programs: Programs, tmp_path: Path) -> None:
    cleanup = [programs.checkout / ".venv/bin/planado", "cleanup"]
    assert run(syscall_filter_of("planado-cleanup.service", cleanup), tmp_path).startswith(
        "deleted"
    )


def test_the_unit_lets_a_process_keep_to_its_core(tmp_path: Path) -> None:
    pin = "import os; os.sched_setaffinity(0, os.sched_getaffinity(0))"
    run(syscall_filter_of("planado.service", [PYTHON, "-c", pin]), tmp_path)


def test_the_containers_check_of_health_sees_a_server_that_is_away(programs: Programs) -> None:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    [code] = re.findall(r'"-c", "(.*)"\]', text)
    done = subprocess.run(
        [PYTHON, "-c", code.replace("8080", "1")], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1


def test_every_file_of_deploy_has_its_place_in_the_document() -> None:
    for file in DEPLOY.iterdir():
        if file.is_file():
            assert file.name.split(".")[0].split("-")[0] in DOCUMENT
    assert len(HOSTS) == 15
