"""script/release: what it refuses, in one sentence and before it runs a test."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.support.process import ROOT

ENVIRON = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "A"), ("EMAIL", "a@planado.example"))
    },
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository in which all that can be looked at is ready for 1.2.0, and 1.1.0 is released."""
    if not shutil.which("git"):
        missing("git", "apt-get install git")
    (tmp_path / "script").mkdir()
    for script in ("environment", "release"):
        shutil.copy(ROOT / "script" / script, tmp_path / "script")
    # The real one would run this test again.
    write(tmp_path / "script/test", "#!/bin/sh\necho tests fail\nexit 1\n")
    (tmp_path / "script/test").chmod(0o755)
    write(tmp_path / "wsgi_app/__init__.py", '__version__ = "1.2.0"\n')
    write(
        tmp_path / "CHANGELOG.md", "# Changes\n\n## 1.2.0 – 2027-01-31\n\n## 1.1.0 – 2026-12-24\n"
    )
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    git(tmp_path, "tag", "v1.1.0")
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")


def git(checkout: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=checkout, env=ENVIRON, capture_output=True, text=True, check=True
    )
    return done.stdout


def commit(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message=Change")


def release(checkout: Path, version: str) -> tuple[str, str]:
    """Fail to release a version; return what was printed and what was told."""
    before = git(checkout, "tag")
    done = subprocess.run(
        ["script/release", version],
        cwd=checkout,
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert git(checkout, "tag") == before
    assert not (checkout / "dist").exists()
    return done.stdout, done.stderr


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.0", "1.2.0rc1", "1.02.0", "1.2.0 "])
def test_what_is_no_version_is_refused(checkout: Path, version: str) -> None:
    told = f'"{version}" is no version: make release VERSION=1.2.3\n'
    assert release(checkout, version) == ("", told)


def test_another_branch_is_refused(checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--create=feature")
    told = "Releases are made on main; this is feature.\n"
    assert release(checkout, "1.2.0") == ("", told)
    git(checkout, "switch", "--quiet", "--detach", "main")
    told = "Releases are made on main; this is no branch.\n"
    assert release(checkout, "1.2.0") == ("", told)


@pytest.mark.parametrize("file", ["CHANGELOG.md", "new"])
def test_uncommitted_changes_are_refused(checkout: Path, file: str) -> None:
    with (checkout / file).open("a") as changed:
        changed.write("\n")
    assert release(checkout, "1.2.0") == ("", "There are uncommitted changes: git status.\n")


@pytest.mark.parametrize("version", ["1.1.0", "1.0.9", "0.20.0"])
def test_a_version_that_is_not_newer_is_refused(checkout: Path, version: str) -> None:
    told = f"{version} is not newer than 1.1.0, which has been released.\n"
    assert release(checkout, version) == ("", told)


def test_numbers_are_compared_as_numbers(checkout: Path) -> None:
    git(checkout, "tag", "v1.10.0")
    told = "1.2.0 is not newer than 1.10.0, which has been released.\n"
    assert release(checkout, "1.2.0") == ("", told)


def test_a_version_that_the_program_does_not_tell_is_refused(checkout: Path) -> None:
    told = "__version__ in wsgi_app/__init__.py is 1.2.0: set it to 1.3.0 and commit.\n"
    assert release(checkout, "1.3.0") == ("", told)


@pytest.mark.parametrize("heading", ["## 1.2.0 – not released yet", "## 1.1.0 – 2026-12-24", ""])
def test_a_version_that_the_changelog_does_not_tell_is_refused(
    checkout: Path, heading: str
) -> None:
    write(checkout / "CHANGELOG.md", f"# Changes\n\n{heading}\n")
    commit(checkout)
    printed, told = release(checkout, "1.2.0")
    assert not printed
    assert told.startswith(f'CHANGELOG.md begins with "{heading}": head its section "## 1.2.0 – 20')


def test_nothing_is_tagged_where_a_test_fails(checkout: Path) -> None:
    assert release(checkout, "1.2.0") == ("tests fail\n", "")


def test_the_first_version_needs_none_before_it(checkout: Path) -> None:
    git(checkout, "tag", "--delete", "v1.1.0")
    assert release(checkout, "1.2.0") == ("tests fail\n", "")
