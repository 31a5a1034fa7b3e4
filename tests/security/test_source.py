"""bandit, and semgrep with the rules of this house, find nothing in the source."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.support.process import ROOT

PROGRAMS = ROOT / ".venv-security/bin"
RULES = Path(__file__).with_name("rules") / "planado.yaml"
EXAMPLES = RULES.with_suffix(".py")
SOURCE = ["planado.py", "wsgi_app"]


def run(program: str, *arguments: str | Path) -> str:
    """Run a program without a network's help and return what it printed; it must find nothing."""
    if not (PROGRAMS / program).exists():
        missing(program, "script/test all")
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def semgrep(*arguments: str | Path) -> str:
    offline = ["--metrics=off", "--disable-version-check"]
    return run("semgrep", "scan", *offline, "--config", RULES, *arguments)


def test_bandit_finds_nothing() -> None:
    run("bandit", "--quiet", "--recursive", *SOURCE)


def test_every_exception_from_bandit_tells_its_reason() -> None:
    for file in ROOT.glob("wsgi_app/**/*.py"):
        for line in file.read_text("utf-8").splitlines():
            assert "nosec" not in line or re.search(r"# nosec B\d+: \w+", line), (file, line)


def test_semgrep_finds_nothing() -> None:
    semgrep("--error", "--no-git-ignore", *SOURCE)


def test_each_rule_tells_its_good_example_from_its_bad_one() -> None:
    rules = re.findall(r"^  - id: (\S+)", RULES.read_text("utf-8"), re.MULTILINE)
    examples = EXAMPLES.read_text("utf-8")
    for rule in rules:
        assert f"# ruleid: {rule}\n" in examples, rule
        assert f"# ok: {rule}\n" in examples, rule
    assert f"{len(rules)}/{len(rules)}: " in semgrep("--test", EXAMPLES)


@pytest.mark.parametrize("line", ['Html(f"<b>{name}</b>")', 'log.error("%s", request.path)'])
def test_a_weak_line_in_the_source_is_found(tmp_path: Path, line: str) -> None:
    weak = tmp_path / "weak.py"
    weak.write_text(f"{line}\n", "utf-8")
    with pytest.raises(AssertionError, match="Blocking"):
        semgrep("--error", "--no-git-ignore", weak)
