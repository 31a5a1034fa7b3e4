"""A folder in which a host runs as its own processes, and a visitor who comes over the network."""

from __future__ import annotations

import http.client
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.client import Answer, Visitor
from tests.support.clock import Clock
from tests.support.mariadb import free_port
from tests.support.process import ROOT
from wsgi_app.web.request import FORM_TYPE

DEPLOY = ROOT / "deploy"
# The Python that Debian's hosts are linked with.
PYTHON = "/usr/bin/python3"
SETTINGS = """
[site]
base_url = {base_url}
[jitsi]
room_url = https://meet.example/{{room}}
[database]
url = sqlite:///{folder}/planado.db
[booking]
open_before = 30 min
"""


class Site:
    """A host that answers on a free port of loopback, below `mount`.

    Its processes are no root's: of www-data where root runs the tests, else of whoever does.
    """

    def __init__(self, mount: str) -> None:
        self.mount = mount
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.root = f"{self.origin}{mount}"
        # Short: the path of a Unix socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="planado-"))
        self.socket = self.folder / "socket"
        self.database = self.folder / "planado.db"
        self.output = self.folder / "output.log"
        self._processes: list[subprocess.Popen[bytes]] = []

    def configure(self, folder: Path | None = None, base_url: bool = False) -> Path:
        """Write planado.ini, with this site's address where the host cannot tell it."""
        file = (folder or self.folder) / "planado.ini"
        url = self.root if base_url else ""
        file.write_text(SETTINGS.format(base_url=url, folder=self.folder), "utf-8")
        file.chmod(0o600)
        return file

    def derive(self, name: str, changes: Mapping[str, str], to: Path | None = None) -> Path:
        """Write a file of deploy/ with changes, each of which must have been possible."""
        text = (DEPLOY / name).read_text("utf-8")
        for old, new in changes.items():
            assert old in text, f"deploy/{name} has no {old}"
            text = text.replace(old, new)
        target = to or self.folder / name
        target.write_text(text, "utf-8")
        shutil.copymode(DEPLOY / name, target)
        return target

    def start(self, command: Sequence[object], **environ: str) -> None:
        """Start a process of the host."""
        give_away(self.folder)
        user, group = _somebody()
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=self.folder,
                env={
                    "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
                    "HOME": str(self.folder),
                    "TMPDIR": str(self.folder),
                    **environ,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
        self._processes.append(process)

    def connection(self) -> http.client.HTTPConnection:
        """Return a visitor's connection, which is opened by its first request."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def wait_until_it_answers(self) -> None:
        visitor = NetworkVisitor(self)
        deadline = time.monotonic() + 120
        while True:
            for process in self._processes:
                assert process.poll() is None, self.logs()
            try:
                answer = visitor.get("/health")
                if answer.status == 200 and answer.text == "ok\n":
                    return
                said = f"{answer.status} {answer.text}"
            except OSError as error:
                said = str(error)
            assert time.monotonic() < deadline, f"{said}\n{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """Return whatever the host and its programs wrote, but for the database."""
        texts = []
        for file in sorted(self.folder.rglob("*")):
            if self._was_written(file):
                texts.append(f"--- {file.name}\n{file.read_text('utf-8', 'replace')}")
        return "\n".join(texts)

    def _was_written(self, file: Path) -> bool:
        return (
            file.is_file()
            and "vendor" not in file.parts
            and not file.name.startswith(self.database.name)
        )

    def stop(self) -> None:
        """End what was started, in order, and remove all that it wrote."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            # What it left behind: its group is a session of its own.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class NetworkVisitor(Visitor):
    """A visitor of a site, with the hour that it is."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.clock = Clock()
        self.clock.now = time.time()

    def request(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        content_type: str | None = FORM_TYPE,
        headers: Mapping[str, str] | None = None,
        chunked: bool = False,
    ) -> Answer:
        """Send a request to a path below the mount, or to an address of this site."""
        address = self.site.root + url if url.startswith("/") else url
        assert address.startswith(f"{self.site.origin}/"), f"{address} leads elsewhere"
        parts = urlsplit(address)
        all_headers = dict(headers or {})
        if body and content_type:
            all_headers["Content-Type"] = content_type
        connection = self.site.connection()
        try:
            # A host may answer, and close, before it has read all of a body that it refuses.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(
                    method,
                    parts.path + (f"?{parts.query}" if parts.query else ""),
                    iter([body[:20], body[20:]]) if chunked else body or None,
                    all_headers,
                    encode_chunked=chunked,
                )
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        assert response.getheader("Set-Cookie") is None
        # Hosts write names in letters of their own.
        names = {name.title(): value for name, value in response.headers.items()}
        return Answer(address, response.status, names, content)


def documented(start: str) -> list[str]:
    """Return the words of the one command in docs/hosting.md that begins so."""
    text = (ROOT / "docs/hosting.md").read_text("utf-8").replace("\\\n", " ")
    found = [line.strip() for line in text.splitlines() if line.strip().startswith(start)]
    assert len(found) == 1, f"docs/hosting.md has {len(found)} lines that begin with {start}"
    return shlex.split(found[0])


def as_service_user(start: str) -> list[str]:
    """Return the words of such a command that root lets the user planado run."""
    return documented(f"runuser -u planado -- {start}")[4:]


def run(command: Sequence[object], folder: Path) -> str:
    """Run a command of a recipe to its end and return what it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not _is_ours(name)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def install(checkout: Path) -> None:
    """Install a checkout for all hosts of a server, as docs/hosting.md says."""
    for start in (
        "python3 -m venv",
        ".venv/bin/pip install .",
        ".venv/bin/pip install gunicorn",
        ".venv/bin/pip install granian",
    ):
        command = documented(start)
        run([PYTHON if command[0] == "python3" else command[0], *command[1:]], checkout)


def give_away(folder: Path) -> None:
    """Make a folder that of the user whom hosts run as."""
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "www-data:www-data", folder], check=True)


def copy_of_the_program(folder: Path, checkout: Path = ROOT) -> Path:
    """Return a copy of the program as a visitor of its repository gets it."""
    left_out = shutil.ignore_patterns(
        ".git", ".venv*", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "planado.db*",
        "build", "dist", "tests",
    )  # fmt: skip
    shutil.copytree(checkout, folder, ignore=left_out)
    return folder


def _is_ours(name: str) -> bool:
    return bool(re.match("PLANADO|VIRTUAL_ENV|PYTHON|PYENV", name))


def _somebody() -> tuple[int, int] | tuple[None, None]:
    """Return user and group of the hosts where they are not those of the tests."""
    if os.getuid() != 0:
        return None, None
    user = pwd.getpwnam("www-data")
    return user.pw_uid, user.pw_gid
