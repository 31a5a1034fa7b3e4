"""bandit finds nothing in the source."""

from __future__ import annotations

import re
import subprocess

from tests.conftest import missing
from tests.support.process import ROOT

BANDIT = ROOT / ".venv-security/bin/bandit"


def test_bandit_finds_nothing() -> None:
    if not BANDIT.exists():
        missing("bandit", "script/test all")
    done = subprocess.run(
        [BANDIT, "--quiet", "--recursive", "planado.py", "wsgi_app"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_exception_from_bandit_tells_its_reason() -> None:
    for file in ROOT.glob("wsgi_app/**/*.py"):
        for line in file.read_text("utf-8").splitlines():
            assert "nosec" not in line or re.search(r"# nosec B\d+: \w+", line), (file, line)
