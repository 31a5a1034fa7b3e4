"""The programs, installed once as docs/hosting.md says, and a site of each host at each mount."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.hosts.hosts import APACHE_MODULES, HOSTS, Programs
from tests.hosts.site import (
    DEPLOY,
    PYTHON,
    NetworkVisitor,
    Site,
    copy_of_the_program,
    documented,
    give_away,
    install,
    run,
)

MOUNTS = {"root": "", "tools": "/tools/planado"}
NEEDED = [
    Path(PYTHON),
    Path("/usr/sbin/apache2"),
    Path("/usr/sbin/lighttpd"),
    Path("/usr/sbin/nginx"),
    Path("/usr/bin/uwsgi"),
    *(APACHE_MODULES / f"mod_{name}.so" for name in ("fcgid", "passenger", "wsgi")),
]


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    """A server's /srv/planado, and the folder for a shared host."""
    for program in NEEDED:
        if not program.exists():
            missing(str(program), "script/test all")
    folder = Path(tempfile.mkdtemp(prefix="planado-"))
    try:
        checkout = copy_of_the_program(folder / "planado")
        install(checkout)
        upload = checkout / "planado"
        for start in ("python3 -m pip install --target", "cp deploy/.htaccess", "chmod 600"):
            command = documented(start)
            if command[0] == "python3":
                # Debian's own knows no --target without its package python3-pip.
                command[0] = str(checkout / ".venv/bin/python")
            run(command, checkout)
        # The other entries stand beside the one for CGI.
        for entry in ("planado.fcgi", "passenger_wsgi.py"):
            shutil.copy(DEPLOY / entry, upload)
        upload.rename(folder / "upload")
        give_away(folder)
        yield Programs(checkout, folder / "upload")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(
    scope="session",
    params=[(host, mount) for host in HOSTS for mount in MOUNTS],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def site(request: pytest.FixtureRequest, programs: Programs) -> Iterator[Site]:
    """A host that answers; its log knows no number at the end."""
    host, mount = request.param
    started = Site(MOUNTS[mount])
    try:
        HOSTS[host](started, programs)
        started.wait_until_it_answers()
        yield started
    finally:
        started.stop()


@pytest.fixture
def visitor(site: Site) -> NetworkVisitor:
    return NetworkVisitor(site)
