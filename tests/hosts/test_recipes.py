"""What docs/hosting.md has somebody do beside starting a host."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.hosts.hosts import HOSTS, Programs
from tests.hosts.site import DEPLOY, PYTHON, documented, run
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
    assert program == f"/srv/planado/{documented('.venv/bin/planado serve')[0]}"
    assert run([programs.checkout / ".venv/bin/planado", *words], tmp_path).startswith("deleted 0")


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
    assert len(HOSTS) == 13
