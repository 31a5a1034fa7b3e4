"""The processes of `planado serve`: how many there are, which core each one runs on, and what
replaces one that died.
"""

from __future__ import annotations

import gc
import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import NamedTuple, NoReturn

from .. import log

Work = Callable[[int | None], None]
"""Serves until SIGTERM, Ctrl-C or the end of the pipe whose reading end it is given."""

_MOST = 8
# Two write a SQLite file in turn without waiting; of eight, some wait for seconds (measured).
_MOST_ON_SQLITE = 2
# Four times what one takes: the rest is for the database and the system.
_BYTES_EACH = 128 * 1024 * 1024

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")

# A process that died sooner than this would only die again: the next one starts after a pause.
_SHORT_LIFE_SECONDS = 10
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
# Longer than a process takes to finish what it has begun.
_LONGEST_END_SECONDS = 30


class Limits(NamedTuple):
    """What the control groups (version 2) of this process allow it: cores' worth of time, and
    bytes of memory; infinite where they set no limit.
    """

    cores: float = math.inf
    memory: float = math.inf


class _Place(NamedTuple):
    """One of the processes: its core, when it started or is to start, the pause before that."""

    core: int
    start: float
    pause: float


def suitable_number(scheme: str) -> int:
    """Return how many processes suit this machine and a database of this scheme."""
    limits = read_limits()
    memory = min(limits.memory, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return number_for(len(_cores()), limits._replace(memory=memory), scheme)


def number_for(cores: int, limits: Limits, scheme: str) -> int:
    """Return how many processes suit so many cores, these limits and a database of this scheme."""
    most = _MOST_ON_SQLITE if scheme == "sqlite" else _MOST
    by_memory = most if limits.memory == math.inf else int(limits.memory // _BYTES_EACH)
    by_time = most if limits.cores == math.inf else math.ceil(limits.cores)
    return max(1, min(most, cores, by_memory, by_time))


def read_limits(root: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> Limits:
    """Return the tightest limits of the control group that `own` names and of those above it."""
    with suppress(OSError):
        for line in own.read_text().splitlines():
            if line.startswith("0::"):
                group = root / line[3:].lstrip("/")
                above = [group, *group.parents]
                groups = above[: above.index(root) + 1] if root in above else [root]
                return Limits(min(map(_time_limit, groups)), min(map(_memory_limit, groups)))
    return Limits()


def run(work: Work, number: int, listeners: list[socket]) -> None:
    """Run `work` in so many processes, in this one alone where it is one, until SIGTERM or Ctrl-C
    has ended them all.

    The caller has no thread and no connection, which could not be taken through a fork. `work`
    closes the `listeners`, and so does this process before it waits for the others to end.
    """
    # macOS cannot wait for signals with a deadline.
    if number == 1 or not hasattr(signal, "sigtimedwait"):
        _pin_to_core(os.getpid())
        work(None)
    else:
        _Supervisor(work, number, listeners).run()


class _Supervisor:
    def __init__(self, work: Work, number: int, listeners: list[socket]) -> None:
        self._work = work
        self._listeners = listeners
        self._waiting = [_Place(os.getpid() + each, 0.0, 0.0) for each in range(number)]
        self._children: dict[int, _Place] = {}
        # Its end is told to all, also where this process is killed: without it they would hold the
        # address for ever.
        self._end_of_life, self._life = os.pipe()
        self._heeded = {signal.SIGTERM, signal.SIGCHLD}
        # A shell has what it starts in the background ignore Ctrl-C.
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            self._heeded.add(signal.SIGINT)

    def run(self) -> None:
        # Blocked, they wait until sigtimedwait takes them: none interrupts a step.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._heeded)
        # The collector would write to memory that all processes share, which would copy it.
        gc.collect()
        gc.freeze()
        try:
            while not self._is_told_to_end():
                self._reap()
        finally:
            self._end()

    def _is_told_to_end(self) -> bool:
        now = time.monotonic()
        due = [place for place in self._waiting if place.start <= now]
        self._waiting = [place for place in self._waiting if place.start > now]
        for place in due:
            self._start(place._replace(start=now))
        seconds = min((place.start for place in self._waiting), default=now + 3600) - now
        received = signal.sigtimedwait(self._heeded, max(0.0, seconds))
        return received is not None and received.si_signo != signal.SIGCHLD

    def _start(self, place: _Place) -> None:
        try:
            process = os.fork()
        except OSError as error:
            self._plan_successor(place, type(error).__name__)
            return
        if process == 0:
            self._become_child(place.core)
        self._children[process] = place

    def _become_child(self, core: int) -> NoReturn:
        status = 1
        try:
            os.close(self._life)
            # A terminal sends Ctrl-C to all of them; the supervisor passes it on in its own way.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._heeded)
            _pin_to_core(core)
            self._work(self._end_of_life)
            status = 0
        except BaseException as error:
            log.error("a process failed: %s", log.without_values(error))
        finally:
            os._exit(status)

    def _reap(self) -> None:
        """Plan successors of the processes that have died."""
        while self._children:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            # As the first process of a container, it is given orphans that it did not start.
            if process in self._children:
                self._plan_successor(self._children.pop(process), _cause(status))

    def _plan_successor(self, place: _Place, cause: str) -> None:
        now = time.monotonic()
        pause = 0.0
        if now - place.start < _SHORT_LIFE_SECONDS:
            pause = min(max(_FIRST_PAUSE_SECONDS, 2 * place.pause), _LONGEST_PAUSE_SECONDS)
        self._waiting.append(_Place(place.core, now + pause, pause))
        log.error("a process ended (%s); another one starts in %.1f s", cause, pause)

    def _end(self) -> None:
        # Held open here, they would let visitors queue where nobody accepts them any more.
        for listener in self._listeners:
            listener.close()
        os.close(self._life)
        os.close(self._end_of_life)
        deadline = time.monotonic() + _LONGEST_END_SECONDS
        while self._children:
            process, _ = os.waitpid(-1, os.WNOHANG)
            self._children.pop(process, None)
            if process:
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                for late in self._children:
                    os.kill(late, signal.SIGKILL)
            signal.sigtimedwait({signal.SIGCHLD}, max(1.0, left))


def _cause(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _cores() -> list[int]:
    # Where there is no affinity, as on macOS, all cores may be used.
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _pin_to_core(number: int) -> None:
    """Pin this process to one of the cores it may use, the next one for the next number.

    Threads of one Python process that move between cores fight for its lock: the
    same four answer half as often (measured). Under a quota the scheduler needs
    its freedom to use up the time that is granted.
    """
    if hasattr(os, "sched_setaffinity") and read_limits().cores == math.inf:
        cores = _cores()
        # A host may forbid it.
        with suppress(OSError):
            os.sched_setaffinity(0, {cores[number % len(cores)]})


def _time_limit(group: Path) -> float:
    quota, _, period = _content(group / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and int(period) else math.inf


def _memory_limit(group: Path) -> float:
    limit = _content(group / "memory.max")
    return int(limit) if limit.isdigit() else math.inf


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
