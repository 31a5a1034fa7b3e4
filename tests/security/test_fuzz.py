"""Requests that nobody thought of, a minute of them; `script/fuzz` goes on for an hour."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.conftest import missing
from tests.support.process import ROOT

PYTHON = ROOT / ".venv-security/bin/python"


def fuzz(folder: Path, argument: str | Path) -> subprocess.CompletedProcess[str]:
    if not PYTHON.exists():
        missing("atheris", "script/test all")
    return subprocess.run(
        [PYTHON, "-m", "tests.security.fuzz", argument],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_no_request_breaks_planado(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "60")
    assert done.returncode == 0, done.stderr[-6000:]
    assert list((tmp_path / "fuzz-findings").iterdir()) == []
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    # More than the seeds alone.
    assert runs and int(runs[1]) > 200, done.stderr[-6000:]
