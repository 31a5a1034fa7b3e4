"""Nodes that lag, hang, or are cut off, and tables made from several nodes at once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.conftest import Machine, Serve
from tests.cluster.galera import Cluster, Node, wait_until
from tests.support.process import Server, planado

# One connection in all, so that the next request comes to the node that hangs.
_ONE_CONNECTION = "[cleanup]\nwhen = cron\n[server]\nprocesses = 1\nthreads = 1\n"


def test_a_guest_waits_for_a_node_that_lags_rather_than_be_told_wrong(
    cluster: Cluster, serve: Serve
) -> None:
    a, b, _ = cluster.nodes
    one, other = serve(a), serve(b)
    with b.connect() as connection, connection.cursor() as cursor, ThreadPoolExecutor(1) as guest:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        invitation = book(one)
        asked = guest.submit(status, other, invitation)
        wait_until(lambda: asked.done() or is_waiting(b), "the guest's question reaches the node")
        assert not asked.done()
        cursor.execute("UNLOCK TABLES")
        assert asked.result() == 200


def test_a_node_that_is_cut_off_is_left_for_the_next(cluster: Cluster, serve: Serve) -> None:
    a, b, c = cluster.nodes
    alone, with_choice = serve(c), serve(c, a, b)
    set_isolated(c, True)
    wait_until(lambda: c.status("wsrep_ready") == "OFF", "the node knows that it is cut off")
    assert status(alone, "/health") == 503
    invitation = book(with_choice)
    assert status(with_choice, invitation) == 200
    assert status(alone, invitation) == 503
    set_isolated(c, False)
    cluster.wait_until_whole()
    assert status(alone, invitation) == 200


def test_who_is_left_of_three_does_not_serve_until_another_is_back(
    cluster: Cluster, serve: Serve
) -> None:
    a, b, c = cluster.nodes
    server = serve(c, b, a)
    invitation = book(server)
    b.kill()
    c.kill()
    wait_until(lambda: a.status("wsrep_ready") == "OFF", "the node knows that it is alone")
    response, _ = server.request("GET", invitation)
    assert (response.status, response.headers["Retry-After"]) == (503, "10")
    assert server.request("GET", "/")[0].status == 200
    cluster.repair()
    assert status(server, invitation) == 200


def test_of_a_node_that_hangs_one_visitor_of_each_thread_gets_503(
    cluster: Cluster, serve: Serve
) -> None:
    a, b, c = cluster.nodes
    server = serve(c, a, b, ini=_ONE_CONNECTION)
    invitation = book(server)
    c.signal(signal.SIGSTOP)
    began = time.monotonic()
    statuses = [status(server, invitation) for _ in range(3)]
    print(f"a node that hangs: {time.monotonic() - began:.1f} s")
    assert statuses == [503, 200, 200]
    assert status(server, book(server)) == 200


def test_a_new_connection_does_not_end_at_a_node_that_hangs(
    cluster: Cluster, serve: Serve, machine: Machine
) -> None:
    a, b, c = cluster.nodes
    book(serve(a))
    c.signal(signal.SIGSTOP)
    cleaned = planado(machine(c, a, b), "cleanup")
    assert (cleaned.returncode, cleaned.stdout) == (0, "deleted 0, advanced 0\n"), cleaned.stderr


def test_tables_are_made_once_from_all_nodes_at_once(cluster: Cluster, machine: Machine) -> None:
    for made in from_all(cluster, machine, "init-db"):
        assert made.returncode == 0, made.stderr
        assert made.stdout.endswith("the table conferences is up to date\n")
    for checked in from_all(cluster, machine, "check"):
        assert checked.returncode == 0, checked.stdout


def test_a_table_of_the_original_is_taken_over_once_from_all_nodes_at_once(
    cluster: Cluster, machine: Machine
) -> None:
    make_original(cluster)
    results = from_all(cluster, machine, "init-db")
    taken = [result for result in results if "took over 900 conferences" in result.stdout]
    assert len(taken) == 1, results
    for result in results:
        assert result.returncode == 0 or "another init-db" in result.stderr, result.stderr
    for node in cluster.nodes:
        found = node.administrate("SELECT COUNT(*), MIN(rid), MAX(rid) FROM planado.conferences")
        assert found == ((900, 3000000000000001, 3000000000000900),)
    for made in from_all(cluster, machine, "init-db"):
        assert made.returncode == 0, made.stderr
    tables = {str(table) for (table,) in cluster.nodes[0].administrate("SHOW TABLES FROM planado")}
    assert tables == {"conferences", "conferences_migrations", "conferences_requests"}


def test_an_interrupted_takeover_names_the_table_that_stops_the_next(
    cluster: Cluster, machine: Machine
) -> None:
    make_original(cluster)
    first = cluster.nodes[0]
    first.administrate("CREATE TABLE planado.conferences_planado_lock (iid BIGINT PRIMARY KEY)")
    stopped = planado(machine(first), "init-db")
    assert stopped.returncode == 1
    assert "drop the table conferences_planado_lock" in stopped.stderr
    first.administrate("DROP TABLE planado.conferences_planado_lock")
    assert "took over 900" in planado(machine(first), "init-db").stdout


def make_original(cluster: Cluster) -> None:
    """Make a table as the PHP original left it, with 900 conferences."""
    first = cluster.nodes[0]
    first.administrate(
        "CREATE TABLE planado.conferences (iid BIGINT, aid BIGINT, rid BIGINT, time BIGINT,"
        " recev BIGINT, rectype VARCHAR(16))"
    )
    first.administrate(
        "INSERT INTO planado.conferences"
        " WITH RECURSIVE numbers (n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 900)"
        " SELECT 1000000000000000 + n, 2000000000000000 + n, 3000000000000000 + n,"
        " 4000000000 + n, 0, '' FROM numbers"
    )


def from_all(
    cluster: Cluster, machine: Machine, *arguments: str
) -> Sequence[subprocess.CompletedProcess[str]]:
    """Run a command on three machines at once, each through another node."""
    folders = [machine(node) for node in cluster.nodes]

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        return planado(folder, *arguments)

    with ThreadPoolExecutor(len(folders)) as all_at_once:
        return list(all_at_once.map(run, folders))


def book(server: Server) -> str:
    """Book a conference in an hour and return the path of its invitation."""
    start = datetime.now(UTC) + timedelta(hours=1)
    booked = server.book(f"{start:%Y-%m-%dT%H:%M}")
    return urlsplit(str(booked["invitation_url"])).path


def status(server: Server, path: str) -> int:
    return server.request("GET", path)[0].status


def is_waiting(node: Node) -> bool:
    """Say whether a question of Planado's waits for what the cluster has committed."""
    rows = node.ask_at_once(
        "SELECT 1 FROM information_schema.processlist"
        " WHERE user = 'planado' AND command = 'Query' AND info LIKE '%FROM `conferences`%'"
    )
    return bool(rows)


def set_isolated(node: Node, isolated: bool) -> None:
    node.ask_at_once(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={int(isolated)}'")
