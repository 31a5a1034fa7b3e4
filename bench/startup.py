"""What a process per request costs: the waiting page under CGI against `import pymysql` and
`import sqlite3`, and a report of what is imported.

Planado is installed into an environment of its own, as what other packages are there changes what
pymysql imports. Run: .venv/bin/python -m bench.startup [PYTHON]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.mariadb import running_mariadb
from tests.support.process import ROOT
from wsgi_app.config import load_config
from wsgi_app.domain.conference import Appointment
from wsgi_app.storage import conferences
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database

ROUNDS = 25
# As deploy/planado.cgi does it.
CGI = "import gc; gc.disable(); from planado import answer_cgi; answer_cgi()"


def main() -> None:
    """Print a table of medians, interleaved, and the imports of the page on MariaDB."""
    with tempfile.TemporaryDirectory() as name, running_mariadb() as server:
        python = _installed(Path(name), sys.argv[1] if len(sys.argv) > 1 else sys.executable)
        maria = _prepared(Path(name), server.url)
        sqlite = _prepared(Path(name), "sqlite:///planado.db")
        _compare(python, "import pymysql", maria)
        _compare(python, "import sqlite3", sqlite)
        report = _run([python, "-X", "importtime", "-c", CGI], maria).stderr
        print(report.decode())


def _installed(folder: Path, python: str) -> str:
    """Install Planado and what it needs; return the Python that has it."""
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    pip = [str(folder / "venv/bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(ROOT)], check=True)
    return str(folder / "venv/bin/python")


def _prepared(folder: Path, url: str) -> dict[str, str]:
    """Book a conference and return the environment of a CGI call for its waiting page."""
    (folder / "planado.ini").write_text("[cleanup]\nwhen = cron\n")
    environ = {"PLANADO_CONFIG": str(folder / "planado.ini"), "PLANADO_DATABASE_URL": url}
    config = load_config(folder / "planado.ini", environ)
    database = open_database(config.database.url, config.database.table, config.folder)
    migrate(database)
    start = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    conference = conferences.book(database, Appointment(start, "UTC", "", 0))
    database.close()
    return environ | {
        "PATH": os.environ["PATH"],
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/i/{conference.iid}",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }


def _compare(python: str, reference: str, environ: dict[str, str]) -> None:
    page = _run([python, "-c", CGI], environ).stdout
    assert b"Status: 200" in page and b'class="card waiting"' in page, page
    seconds: dict[str, list[float]] = {reference: [], CGI: []}
    for _ in range(ROUNDS):
        for code, measured in seconds.items():
            measured.append(_processor_seconds([python, "-c", code], environ))
    baseline, planado = (statistics.median(measured) for measured in seconds.values())
    print(f"{reference}: {baseline * 1000:.1f} ms, waiting page: {planado * 1000:.1f} ms, ", end="")
    print(f"{planado / baseline:.2f} times")


def _processor_seconds(command: list[str], environ: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _run(command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, env=environ, capture_output=True, check=True)


if __name__ == "__main__":
    main()
