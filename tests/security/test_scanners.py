"""sqlmap and wapiti attack every parameter of every address on both databases, and find nothing."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from waitress.server import create_server

from tests.conftest import MakeClient, missing
from tests.security import vulnerable
from tests.security.door import Door
from tests.support.clock import Clock
from tests.support.mariadb import free_port
from tests.support.targets import NOW, TARGETS, store
from wsgi_app import routes

Serve = Callable[[Door], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a door on loopback and returns its address."""
    started = []

    def start(door: Door) -> str:
        port = free_port()
        server = create_server(door, host="127.0.0.1", port=port, threads=2)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        started.append((server, thread))
        return f"http://127.0.0.1:{port}"

    yield start
    for server, thread in started:
        server.trigger.pull_trigger(partial(_close_all, server))
        thread.join(10)
        server.task_dispatcher.shutdown()


def _close_all(server: Any) -> None:
    for dispatcher in list(server._map.values()):
        dispatcher.close()


@pytest.fixture
def planado(make_client: MakeClient, database_url: str, clock: Clock) -> Door:
    """The door to a Planado with its conferences, once on each database; what cannot reach the
    database is attacked on one of them.
    """
    clock.now = NOW
    stored = {(route.method, route.pattern) for route in routes.STORED}
    targets = [
        target
        for target in TARGETS
        if database_url.startswith("sqlite") or (target.method, target.pattern) in stored
    ]
    ini = "[api]\nallowed_origins = https://other.example"
    application = make_client(ini, database_url).application
    store(application.database)
    return Door(application, targets, lambda: store(application.database))


@pytest.fixture
def weak() -> Door:
    return Door(vulnerable.vulnerable, vulnerable.TARGETS)


def sqlmap(url: str, door: Door, folder: Path) -> list[str]:
    """Return what sqlmap could inject into: target and parameter."""
    if not shutil.which("sqlmap"):
        missing("sqlmap", "apt-get install sqlmap")
    addresses = folder / "addresses"
    addresses.write_text("".join(f"{url}{path}\n" for path in door.paths()))
    _run(
        [
            "sqlmap",
            "-m",
            addresses,
            f"--output-dir={folder / 'sqlmap'}",
            f"--results-file={folder / 'results.csv'}",
            "--batch",
            "--answers=skip further tests=N",
            "--flush-session",
            "--disable-coloring",
            "--skip-waf",
            "--ignore-redirects",
            "--level=1",
            "--risk=1",
            "--technique=BEUS",
            "--ignore-code=400,401,404,405,409,411,412,413,415,422",
            "--threads=2",
        ],
        folder,
    )
    results = folder / "results.csv"
    if not results.exists():
        return []
    with results.open(newline="") as file:
        return sorted(
            f"{row['Target URL'].removeprefix(url).partition('?')[0]} {row['Parameter']}"
            for row in csv.DictReader(file)
            if row["Parameter"]
        )


def wapiti(url: str, folder: Path, modules: str = "sql,xss,exec,file,crlf") -> list[str]:
    """Return what these modules of wapiti found: kind, target and parameter."""
    if not shutil.which("wapiti"):
        missing("wapiti", "apt-get install wapiti")
    report = folder / "wapiti.json"
    _run(
        [
            "wapiti",
            f"--url={url}/",
            "--scope=folder",
            "--depth=1",
            f"--module={modules}",
            "--flush-session",
            f"--store-session={folder}",
            f"--store-config={folder}",
            "--format=json",
            f"--output={report}",
            "--no-bugreport",
            "--verbose=0",
        ],
        folder,
    )
    described = json.loads(report.read_text())
    return [
        f"{kind} {finding['path'].split('?')[0]} {finding['parameter']}"
        for kind, findings in described["vulnerabilities"].items()
        for finding in findings
    ]


def _run(command: list[str | Path], folder: Path) -> None:
    # HOME: what they keep of a run goes away with it. The proxy is none, and only asked for what
    # is not on this machine.
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "http_proxy": nowhere,
            "https_proxy": nowhere,
            "no_proxy": "127.0.0.1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    (folder / "output").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_sqlmap_finds_a_weak_statement_wherever_its_number_comes_from(
    weak: Door, serve: Serve, tmp_path: Path
) -> None:
    found = sqlmap(serve(weak), weak, tmp_path)
    assert found == ["/0 path.iid", "/1 query.id", "/2 form.id", "/3 json.id", "/4 header.Id"]


def test_wapiti_finds_weak_statements_and_unescaped_text(
    weak: Door, serve: Serve, tmp_path: Path
) -> None:
    found = wapiti(serve(weak), tmp_path)
    names = ["path.iid", "query.id", "form.id", "json.id", "header.Id"]
    for number, name in enumerate(names):
        assert f"SQL Injection /{number} {name}" in found
        assert any(f"Cross Site Scripting /{number} {name}" in one for one in found)


def test_sqlmap_finds_nothing_to_inject_into(planado: Door, serve: Serve, tmp_path: Path) -> None:
    assert sqlmap(serve(planado), planado, tmp_path) == []
    planado.expect_attacks(at_least=20)


def test_wapiti_finds_nothing(
    planado: Door, serve: Serve, tmp_path: Path, database_url: str
) -> None:
    # Which database is behind a page makes a difference to statements alone.
    modules = "sql,xss,exec,file,crlf" if database_url.startswith("sqlite") else "sql"
    assert wapiti(serve(planado), tmp_path, modules) == []
    planado.expect_attacks(at_least=1)
