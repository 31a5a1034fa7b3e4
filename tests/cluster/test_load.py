"""Everything at once on all nodes, also while one of them is killed and comes back."""

from __future__ import annotations

from tests.cluster.conftest import Machine, Serve
from tests.cluster.galera import Cluster
from tests.cluster.load import Load
from tests.support.clock import DAY
from tests.support.process import planado
from wsgi_app.domain.conference import Conference
from wsgi_app.storage.database import Database

_THREADS = "[cleanup]\nwhen = cron\n[server]\nthreads = 8\n"


def test_nothing_is_lost_or_doubled_while_a_node_is_killed_and_comes_back(
    cluster: Cluster, serve: Serve, machine: Machine, database: Database
) -> None:
    a, b, c = cluster.nodes
    orders = ((a, b, c), (b, c, a), (c, a, b))
    servers = [serve(*order, ini=_THREADS) for order in orders]
    folders = [machine(*order) for order in orders]
    with Load(servers, folders, database) as load:
        load.go_on(200)
        assert not load.statuses[503], "with all nodes there, everybody is served"
        c.kill()
        load.go_on(200)
        cluster.rejoin(c)
        load.go_on(200)
        a.stop()
        load.go_on(200)
        cluster.rejoin(a)
        load.go_on(200)
        # Figures for docs/cluster.md; pytest -s shows them.
        print(f"longest wait {load.longest_wait:.1f} s, answers {dict(load.statuses)}")
    cleanup = planado(folders[0], "cleanup")
    assert cleanup.returncode == 0, cleanup.stderr

    stored = [rows(cluster, number) for number in range(3)]
    assert stored[0] == stored[1] == stored[2]
    standing = {str(row.iid): row for row in stored[0]}
    starts = [row.anchor for row in stored[0] if row.iid not in load.past_series()]
    assert len(set(starts)) == len(starts), "a booking was made twice"
    assert not load.cancelled & set(standing)
    for booking in load.bookings.values():
        if booking.iid in load.cancelled:
            continue
        row = standing.pop(booking.iid)
        assert str(row.aid) == booking.aid
        if booking in load.shared:
            # However many pressed the button, one date is one repetition.
            skipped = (row.time - booking.start) // DAY
            assert skipped + row.recev == booking.count
        else:
            assert (row.time, row.recev) == (booking.start, booking.count)
    for iid, expected in load.past_series().items():
        row = standing.pop(str(iid))
        assert (row.time, row.recev) == expected
    # What is left was booked for somebody who got 503 instead of the answer.
    assert {row.time for row in standing.values()} <= load.in_doubt


def rows(cluster: Cluster, number: int) -> list[Conference]:
    with cluster.nodes[number].connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM planado.conferences ORDER BY iid")
        return [Conference(*row) for row in cursor.fetchall()]
