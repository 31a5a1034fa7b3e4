"""A file system with little room, or none for writing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import missing


class SmallDisk:
    """A file system of its own in the memory, mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room at all."""
        # Ever smaller pieces: the last free page is a multiple of none of them.
        with self._filler.open("ab", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        """Give back what `fill` took."""
        self._filler.unlink()

    def make_read_only(self) -> None:
        """Let nobody write any more, root neither; nothing may be open for writing."""
        subprocess.run([*_as_root(), "mount", "-o", "remount,ro", self.folder], check=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount one at an empty folder; skips the test where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0700,uid={os.getuid()},gid={os.getgid()}"
    mount = [*_as_root(), "mount", "-t", "tmpfs", "-o", options, "planado-test", str(folder)]
    if not _can_be_root() or subprocess.run(mount, check=False).returncode != 0:
        missing("the right to mount a small disk", "run as root, or as a user with sudo")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run([*_as_root(), "umount", folder], check=True)


def _can_be_root() -> bool:
    if os.geteuid() == 0:
        return True
    return bool(shutil.which("sudo")) and (
        subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0
    )


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]
