"""A real Galera cluster of three MariaDB servers, in temporary folders, on loopback."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pymysql

from tests.support.mariadb import PASSWORD, free_port

_PROVIDERS = [Path("/usr/lib/galera/libgalera_smm.so"), Path("/usr/lib64/galera/libgalera_smm.so")]
# A bound for what takes seconds, so that a test that fails does end.
_LIMIT_SECONDS = 120


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return once `condition` holds; fails when that takes beyond all measure."""
    ends_at = time.monotonic() + _LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain: {what}"
        time.sleep(0.05)


class Node:
    """A server of the cluster; `port` is where clients reach it, `address` where nodes do."""

    def __init__(self, number: int, user: str) -> None:
        self.name = f"node{number}"
        self.port = free_port()
        self.address = f"127.0.0.1:{free_port()}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"planado-{self.name}-"))
        self.socket = self.folder / "socket"
        self._options = ["--no-defaults", f"--datadir={self.folder / 'data'}", f"--user={user}"]
        self._process: subprocess.Popen[bytes] | None = None
        (self.folder / "data").mkdir()
        if user != getpass.getuser():
            shutil.chown(self.folder, user)
            shutil.chown(self.folder / "data", user)

    def install(self) -> None:
        """Create the system tables; the other nodes get them from the first."""
        command = ["mariadb-install-db", *self._options, "--skip-test-db"]
        command.append("--auth-root-authentication-method=normal")
        made = subprocess.run(command, check=False, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr

    def launch(self, cluster_address: str, options: str = "") -> None:
        """Start the server, without waiting for anything."""
        provider = next(path for path in _PROVIDERS if path.exists())
        provider_options = (
            f"gmcast.listen_addr=tcp://{self.address};ist.recv_addr=127.0.0.1:{free_port()};"
            f"gcache.size=16M;{options}"
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "mariadbd",
                    *self._options,
                    f"--socket={self.socket}",
                    f"--port={self.port}",
                    "--bind-address=127.0.0.1",
                    f"--pid-file={self.folder / 'pid'}",
                    "--max-connections=300",
                    "--innodb-buffer-pool-size=32M",
                    "--innodb-log-file-size=16M",
                    "--innodb-autoinc-lock-mode=2",
                    "--binlog-format=ROW",
                    "--wsrep-on=ON",
                    f"--wsrep-provider={provider}",
                    "--wsrep-cluster-name=planado",
                    f"--wsrep-cluster-address={cluster_address}",
                    f"--wsrep-node-name={self.name}",
                    f"--wsrep-node-address={self.address}",
                    "--wsrep-sst-method=rsync",
                    f"--wsrep-sst-receive-address=127.0.0.1:{free_port()}",
                    f"--wsrep-provider-options={provider_options}",
                ],
                stdout=log,
                stderr=log,
                # State transfers are processes of their own, and end with their server.
                start_new_session=True,
            )

    def wait_until_synced(self) -> None:
        """Return once the node has all that the cluster has, and serves."""

        def synced() -> bool:
            assert self.is_running, self.log()
            is_synced = self.status("wsrep_local_state_comment") == "Synced"
            return is_synced and self.status("wsrep_ready") == "ON"

        wait_until(synced, f"{self.name} serves")

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", errors="replace")

    def status(self, name: str) -> str:
        """Return a status variable, empty where the server does not answer."""
        try:
            [(_, value)] = self.ask_at_once(f"SHOW STATUS LIKE '{name}'")
        except (pymysql.Error, OSError):
            return ""
        return str(value)

    def connect(self, sync_wait: int = 7) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """Return a connection of the administrator."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            autocommit=True,
            read_timeout=60,
            init_command=f"SET SESSION wsrep_sync_wait = {sync_wait}",
        )

    def administrate(self, sql: str) -> tuple[tuple[object, ...], ...]:
        """Carry out a statement as administrator, after all that the cluster did; return its
        rows.
        """
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def ask_at_once(self, sql: str) -> tuple[tuple[object, ...], ...]:
        """Carry out a statement as administrator, whatever the other nodes do; return its rows."""
        with self.connect(sync_wait=0) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def stop(self) -> None:
        """End the server in order."""
        if self._process and self.is_running:
            self._process.terminate()
            self._process.wait(60)

    def kill(self) -> None:
        """End the server as kill -9 does."""
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait(60)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and its state transfers."""
        if self._process and self.is_running:
            os.killpg(self._process.pid, number)

    def remove(self) -> None:
        """Remove the server and all that it wrote."""
        self.kill()
        shutil.rmtree(self.folder)


class Cluster:
    """Three nodes that know each other; `options` are of the Galera provider."""

    def __init__(self, options: str = "") -> None:
        self.options = options
        # Root's servers run as another user: state transfers fail as root.
        user = "mysql" if os.geteuid() == 0 else getpass.getuser()
        self.nodes: list[Node] = []
        for number in range(3):
            self.nodes.append(Node(number, user))

    @staticmethod
    def missing() -> str:
        """Return the first program that is not installed, or nothing."""
        for program in ("mariadbd", "mariadb-install-db", "wsrep_sst_rsync", "rsync"):
            if not shutil.which(program):
                return program
        return "" if any(path.exists() for path in _PROVIDERS) else "Galera"

    @property
    def address(self) -> str:
        return "gcomm://" + ",".join(node.address for node in self.nodes)

    def start(self) -> None:
        """Make a new cluster with the database `planado` and its user."""
        first = self.nodes[0]
        first.install()
        first.launch("gcomm://", self.options)
        first.wait_until_synced()
        first.administrate("CREATE DATABASE planado")
        first.administrate(f"CREATE USER planado IDENTIFIED BY '{PASSWORD}'")
        first.administrate("GRANT ALL ON planado.* TO planado")
        self.rejoin(*self.nodes[1:])

    def rejoin(self, *nodes: Node) -> None:
        """Start nodes that were down and wait until all three serve."""
        for node in nodes:
            node.launch(self.address, self.options)
        for node in nodes:
            node.wait_until_synced()
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Return once all three nodes see each other and serve."""

        def whole() -> bool:
            return all(node.status("wsrep_cluster_size") == "3" for node in self.nodes)

        wait_until(whole, "three nodes")
        for node in self.nodes:
            node.wait_until_synced()

    def repair(self) -> None:
        """Bring back the nodes that are down, hang or are cut off; all three, where two are."""
        for node in self.nodes:
            node.signal(signal.SIGCONT)
        down = [node for node in self.nodes if not node.is_running]
        if len(down) > 1:
            # Who is left is no majority, and may only say so.
            survivor = next(node for node in self.nodes if node not in down)
            survivor.ask_at_once("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
            survivor.wait_until_synced()
        self.rejoin(*down)

    def remove(self) -> None:
        """Remove all nodes and all that they wrote."""
        for node in self.nodes:
            node.remove()
