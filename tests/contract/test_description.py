"""schemathesis, from an environment of its own, holds the running API against its description."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.support.process import ROOT, Server

PROGRAM = ROOT / ".venv-contract/bin/schemathesis"
CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture
def schemathesis() -> str:
    if not PROGRAM.exists():
        missing("schemathesis", "script/test all")
    return str(PROGRAM)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.stop()


def describe(server: Server, folder: Path) -> tuple[Path, str]:
    """Return the description, with an existing conference as its example, and its bearer."""
    start = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT10:00Z")
    booked = server.book(start, repeat="1weekly", count=3)
    _, description = server.request("GET", "/api/v1/openapi.json")
    file = folder / "openapi.json"
    file.write_text(description.replace("1234567890123456", booked["invitation_id"]))
    return file, booked["admin_id"]


@pytest.mark.parametrize("organiser", [False, True])
def test_the_api_keeps_what_its_description_promises(
    schemathesis: str, server: Server, tmp_path: Path, organiser: bool
) -> None:
    file, aid = describe(server, tmp_path)
    # What a stranger books is not the organiser's, so the story across calls is a stranger's.
    phases = "examples,coverage,fuzzing" + ("" if organiser else ",stateful")
    header = ["--header", f"Authorization: Bearer {aid}"] if organiser else []
    done = subprocess.run(
        [
            schemathesis,
            f"--config-file={CONFIG}",
            "run",
            file,
            f"--url=http://127.0.0.1:{server.port}",
            "--checks=all",
            f"--phases={phases}",
            "--max-examples=100",
            "--seed=1",
            "--continue-on-failure",
            *header,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert " passed" in done.stdout
    assert len(server.printed().splitlines()) == 1, server.printed()
