"""The tests of the program itself, with each further Python of this machine that it supports."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.process import ROOT

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
# What the tests import; browsers, style and types need no second Python.
NEEDED = ["html5lib", "hypothesis", "icalendar", "pytest", "recurring-ical-events", "trustme"]


def found(version: str) -> str | None:
    """Return the Python of this version in the path, else one that pyenv has made."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    made = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    return next(map(str, reversed(made)), shutil.which(f"python{version}"))


def environment(version: str, python: str) -> str:
    """Return the Python of an environment with the program and what its tests import."""
    # As a Python that only stands in for another version would hide it.
    say = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", say], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == version
    folder = ROOT / f".venv-python{version}"
    subprocess.run([python, "-m", "venv", folder], check=True)
    program = str(folder / "bin/python")
    pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--editable", ".", *NEEDED], cwd=ROOT, check=True)
    return program


def run_tests(program: str) -> subprocess.CompletedProcess[str]:
    tests = [program, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit", "tests/wsgi"]
    # Of the databases SQLite alone: the other one is the same on every Python.
    return subprocess.run(
        [*tests, "-k", "not mariadb"],
        cwd=ROOT,
        env={**os.environ, "HYPOTHESIS_PROFILE": "default"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """The tests with each further Python, side by side: they share nothing but what they read."""
    pythons = {version: found(version) for version in SUPPORTED if version != OWN}
    programs = {version: environment(version, each) for version, each in pythons.items() if each}
    with ThreadPoolExecutor(len(SUPPORTED)) as side_by_side:
        yield {version: side_by_side.submit(run_tests, each) for version, each in programs.items()}


@pytest.mark.parametrize("version", SUPPORTED)
def test_it_runs_on_every_python_that_it_names(
    runs: dict[str, Future[subprocess.CompletedProcess[str]]], version: str
) -> None:
    if version == OWN:
        pytest.skip(f"all other tests run with Python {version}")
    if version not in runs:
        pytest.skip(f"there is no python{version} here: apt-get install python{version}-venv")
    result = runs[version].result()
    assert not result.returncode, result.stdout + result.stderr
