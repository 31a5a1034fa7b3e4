"""The packages that `make dist` builds: small, and complete without the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT

LARGEST_PACKAGE = 200_000


def new_environment(folder: Path, *packages: str) -> Path:
    """Install packages into an empty environment and return the folder of its programs."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    subprocess.run([folder / "bin/python", *install], check=True)
    return folder / "bin"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A wheel and an archive of the sources."""
    folder = tmp_path_factory.mktemp("packages")
    programs = new_environment(folder / "build", "build")
    command = [str(programs / "python"), "-m", "build", "--outdir", str(folder / "dist"), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return sorted((folder / "dist").iterdir())


def test_a_wheel_and_the_sources_are_built_and_small(packages: list[Path]) -> None:
    assert [package.name.rpartition(".")[2] for package in packages] == ["whl", "gz"]
    for package in packages:
        assert package.stat().st_size < LARGEST_PACKAGE, package


@pytest.mark.parametrize("number", [0, 1], ids=["wheel", "sources"])
def test_an_installed_package_runs_outside_the_checkout(
    packages: list[Path], tmp_path: Path, number: int
) -> None:
    programs = new_environment(tmp_path / "environment", str(packages[number]))
    for command in ("init-db", "check", "cleanup"):
        told = subprocess.run(
            [programs / "planado", command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout == "deleted 0, advanced 0\n"
