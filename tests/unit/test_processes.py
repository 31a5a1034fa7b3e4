"""How many processes suit a machine, a control group and a database."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from wsgi_app.commands.processes import Limits, number_for, read_limits

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("cores", "limits", "scheme", "number"),
    [
        (1, Limits(), "mysql", 1),
        (4, Limits(), "mysql", 4),
        (64, Limits(), "mysql", 8),
        (64, Limits(), "sqlite", 2),
        (1, Limits(), "sqlite", 1),
        (4, Limits(cores=0.5), "mysql", 1),
        (4, Limits(cores=1.5), "mysql", 2),
        (4, Limits(memory=100 * MB), "mysql", 1),
        (4, Limits(memory=256 * MB), "mysql", 2),
        (4, Limits(memory=383 * MB), "mysql", 2),
        (2, Limits(cores=8, memory=4096 * MB), "mysql", 2),
    ],
)
def test_processes_suit_cores_limits_and_database(
    cores: int, limits: Limits, scheme: str, number: int
) -> None:
    assert number_for(cores, limits, scheme) == number


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content + "\n")


def test_the_tightest_limit_above_counts(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    group(root / "a/b", cpu_max="max 100000", memory_max="max")
    group(root / "a", cpu_max="150000 100000", memory_max=str(512 * MB))
    own.write_text("1:name=systemd:/elsewhere\n0::/a/b\n")
    assert read_limits(root, own) == Limits(1.5, 512 * MB)
    own.write_text("0::/a/c\n")
    assert read_limits(root, own) == Limits(1.5, 512 * MB)


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    group(root, cpu_max="200000 100000", memory_max=str(256 * MB))
    for path in ("/", "/../outside"):
        own.write_text(f"0::{path}\n")
        assert read_limits(root, own) == Limits(2, 256 * MB)


@pytest.mark.parametrize("line", ["", "0::/", "0::/a", "5:memory:/a", "nonsense"])
def test_where_nothing_is_said_there_is_no_limit(tmp_path: Path, line: str) -> None:
    own = tmp_path / "own"
    own.write_text(line)
    assert read_limits(tmp_path / "cgroup", own) == Limits(math.inf, math.inf)
    assert read_limits(tmp_path / "cgroup", tmp_path / "none") == Limits()
