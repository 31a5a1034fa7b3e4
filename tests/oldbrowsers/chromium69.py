"""Drives Chromium 69 for the tests beside it, from an environment of its own: a line of JSON in,
[method, ...arguments]; one out, {"result": ...} or {"error": ...}.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from PyQt5.QtCore import QEventLoop, QSocketNotifier, QTimer, QUrl
from PyQt5.QtWebEngineWidgets import QWebEnginePage, QWebEngineProfile, QWebEngineView
from PyQt5.QtWidgets import QApplication

SECONDS = 40
FILL = """
    field.value = value;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
"""


class Page(QWebEnginePage):  # type: ignore[misc]  # PyQt5 has no types
    """A page that notes what goes wrong in its script."""

    def __init__(self, profile: QWebEngineProfile, parent: QWebEngineView) -> None:
        super().__init__(profile, parent)
        self.complaints: list[str] = []

    def javaScriptConsoleMessage(  # noqa: N802  # Qt calls it by this name
        self, level: int, text: str, line: int, _source: str
    ) -> None:
        if level == self.ErrorMessageLevel:
            self.complaints.append(f"{text} (line {line})")


class Methods:
    """What the tests can ask for."""

    def __init__(self) -> None:
        self._view = QWebEngineView()
        # Nothing is kept on the disk.
        self._profile = QWebEngineProfile()
        self._page = Page(self._profile, self._view)
        self._view.setPage(self._page)
        self._view.resize(1280, 900)
        self._view.show()

    def version(self) -> str:
        return str(self._profile.httpUserAgent())

    def goto(self, url: str) -> None:
        loop = QEventLoop()
        self._page.loadFinished.connect(loop.quit)
        self._page.load(QUrl(url))
        self._run(loop)
        self._page.loadFinished.disconnect(loop.quit)

    def url(self) -> str:
        return bytes(self._page.url().toEncoded()).decode()

    def evaluate(self, expression: str) -> Any:
        results: list[Any] = []
        loop = QEventLoop()

        def note(result: Any) -> None:
            results.append(result)
            loop.quit()

        self._page.runJavaScript(f"JSON.stringify({expression})", note)
        if not results:
            self._run(loop)
        return json.loads(results[0]) if results[0] else None

    def wait(self, expression: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.evaluate(f"Boolean({expression})"):
            if time.monotonic() > deadline:
                shown = self.evaluate("document.body.innerText")
                raise TimeoutError(f"{expression}; {self._page.complaints}; {shown}")
            self._pause(100)

    def click(self, selector: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, selector: str, value: str) -> None:
        names = f"(field, value) => {{ {FILL} }}"
        field = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"({names})({field}, {json.dumps(value)})")

    def complaints(self) -> list[str]:
        """Return what the pages complained of since the last time."""
        noted, self._page.complaints = self._page.complaints, []
        return noted

    def picture(self, file: str, width: int = 1280) -> None:
        self._view.resize(width, 900)
        self._pause(700)
        self._view.grab().save(file)

    def _pause(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec_()

    def _run(self, loop: QEventLoop) -> None:
        QTimer.singleShot(SECONDS * 1000, loop.quit)
        loop.exec_()


def answer(methods: Methods, line: str) -> dict[str, Any]:
    method, *given = json.loads(line)
    try:
        return {"result": getattr(methods, method)(*given)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answer what standard input asks for, until it ends."""
    application = QApplication([sys.argv[0], "--no-sandbox", "--disable-gpu"])
    methods = Methods()

    def say(result: dict[str, Any]) -> None:
        print(json.dumps(result), flush=True)

    def read() -> None:
        notifier.setEnabled(False)  # While an answer is waited for, Qt goes on.
        line = sys.stdin.readline()
        if line:
            say(answer(methods, line))
        else:
            application.quit()
        notifier.setEnabled(True)

    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Read)
    notifier.activated.connect(read)
    say({"result": methods.version()})
    application.exec_()


if __name__ == "__main__":
    main()
