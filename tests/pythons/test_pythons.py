"""The tests of the program itself, with each further Python of this machine that it supports."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT

SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
# What the tests import; browsers, style and types need no second Python.
NEEDED = ["html5lib", "hypothesis", "icalendar", "pytest", "recurring-ical-events", "trustme"]


def found(version: str) -> str | None:
    """Return the Python of this version in the path, else one that pyenv has made."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    made = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    return next(map(str, reversed(made)), shutil.which(f"python{version}"))


@pytest.mark.parametrize("version", SUPPORTED)
def test_it_runs_on_every_python_that_it_names(version: str) -> None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip(f"all other tests run with Python {version}")
    python = found(version)
    if not python:
        pytest.skip(f"there is no python{version} here: apt-get install python{version}-venv")
    environment = ROOT / f".venv-python{version}"
    # As a Python that only stands in for another version would hide it.
    say = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", say], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == version
    subprocess.run([python, "-m", "venv", environment], check=True)
    program = str(environment / "bin/python")
    pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--editable", ".", *NEEDED], cwd=ROOT, check=True)
    tests = [program, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit", "tests/wsgi"]
    environ = {**os.environ, "HYPOTHESIS_PROFILE": "default"}
    # Of the databases SQLite alone: the other one is the same on every Python.
    result = subprocess.run(
        [*tests, "-k", "not mariadb"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not result.returncode, result.stdout + result.stderr
