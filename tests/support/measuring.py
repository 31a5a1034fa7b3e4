"""Measures which lines and branches of the program its tests run, and fails the run where they are
too few: `pytest -p tests.support.measuring`. The rest stands in pyproject.toml, `[tool.coverage]`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage

# The others drive browsers and servers of other makers, or measure time.
MEASURED = tuple(Path(__file__).parents[1] / name for name in ("unit", "wsgi", "storage", "cli"))
# It runs through the same lines thousands of times, which others run as well.
LEFT_OUT = Path(__file__).parents[1] / "unit/test_properties.py"
# By it a process that a test starts learns that it is measured.
_HANDED_ON = "COVERAGE_PROCESS_CONFIG"


class _Measuring:
    """Measuring that pauses in tests that are not measured."""

    def __init__(self) -> None:
        self._coverage = Coverage()
        # What an earlier run left would count for this one.
        self._coverage.erase()
        self._coverage.start()
        self._runs = True
        self._handed_on = os.environ.get(_HANDED_ON, "")
        self.table = ""

    def switch(self, runs: bool) -> None:
        if runs == self._runs:
            return
        self._runs = runs
        if runs:
            os.environ[_HANDED_ON] = self._handed_on
            self._coverage.start()
        else:
            self._coverage.stop()
            del os.environ[_HANDED_ON]

    def finish(self) -> bool:
        """Make the table, of other processes too; say whether it shows enough."""
        self.switch(runs=False)
        self._coverage.save()
        everything = Coverage()
        everything.combine()
        table = io.StringIO()
        percent = everything.report(file=table)
        least = float(str(everything.get_option("report:fail_under")))
        self.table = table.getvalue()
        if percent < least:
            self.table += f"\nFAILED: {percent:.1f} % are covered, and {least:g} % must be.\n"
        return percent >= least


_measuring: _Measuring | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    # Before the program is imported: its definitions are lines too.
    global _measuring  # noqa: PLW0603
    _measuring = _Measuring()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    assert _measuring
    measured = any(map(item.path.is_relative_to, MEASURED)) and item.path != LEFT_OUT
    _measuring.switch(measured)
    return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    assert _measuring
    if not _measuring.finish() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    assert _measuring
    terminalreporter.section("coverage")
    terminalreporter.write(_measuring.table)
