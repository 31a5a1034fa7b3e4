"""The cache of pages that are the same for many visitors."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import NamedTuple

from .html import Page

# Bytes of all cached pages and their keys, whose root comes from visitors.
LARGEST_CACHE = 4 * 1024 * 1024


class CacheKey(NamedTuple):
    """All that a cached page depends on: where its links begin, its language, the language that
    the visitor has chosen (else empty), and which page it is.
    """

    root: str
    language: str
    chosen_language: str
    name: str


class PageCache:
    """Pages by their keys; the oldest go when they take more than 4 MiB."""

    def __init__(self) -> None:
        self._pages: dict[CacheKey, tuple[Page, int]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: CacheKey, make: Callable[[], Page]) -> Page:
        """Return the page with this key, which `make` makes where it is not cached yet."""
        cached = self._pages.get(key)
        if cached:
            return cached[0]
        page = make()
        self._add(key, page)
        return page

    def _add(self, key: CacheKey, page: Page) -> None:
        size = _bytes_of(key, page)
        with self._lock:
            if key in self._pages:
                return
            self._pages[key] = page, size
            self._bytes += size
            while self._bytes > LARGEST_CACHE:
                _, freed = self._pages.pop(next(iter(self._pages)))
                self._bytes -= freed


def _bytes_of(key: CacheKey, page: Page) -> int:
    """Return how much memory a key and a page take, roughly, with all that they hold."""
    held = (key, *key, page, *page, *page.texts, *page.names)
    return sum(map(sys.getsizeof, held))
