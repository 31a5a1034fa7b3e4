"""The theme: templates, translations and static files; those of the operator come first."""

from __future__ import annotations

import json
import re
import zlib
from functools import cache, cached_property, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from .dates import zoned_moment_words
from .html import Template
from .messages import FALLBACK, Texts

_BUILT_IN = Path(__file__).parents[1]
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
# The others are compressed already.
_COMPRESSIBLE = (".css", ".js", ".svg")
# Of zlib: with the header and the trailer of gzip (RFC 1952).
_GZIP = 31


class StaticFile:
    """A file as it is served; `etag` changes with its content."""

    def __init__(self, content: bytes, content_type: str, is_compressible: bool) -> None:
        self.content = content
        self.content_type = content_type
        self.is_compressible = is_compressible
        # It need not withstand an attack, and hashlib would load all of OpenSSL.
        self.etag = f"{zlib.crc32(content):08x}{len(content):x}"

    @cached_property
    def gzipped(self) -> bytes:
        """The content as gzip, made at its first use: under CGI most calls ask for a page."""
        return zlib.compress(self.content, level=9, wbits=_GZIP)


class Theme:
    """All files that visitors get to see, each read at its first use."""

    def __init__(self, directory: Path | None, languages: tuple[str, ...] = ()) -> None:
        self._folders = (directory, _BUILT_IN) if directory else (_BUILT_IN,)
        self._chosen_languages = languages
        self.template_in = cache(self._template_in)
        self.texts = cache(self._texts)
        # Many guests wait for the same start.
        self.start_words = lru_cache(maxsize=256)(self._start_words)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages on offer, the preferred one first."""
        found = {file.stem for file in self._files("translations", ".json")}
        return self._chosen_languages or (FALLBACK, *sorted(found - {FALLBACK}))

    @cached_property
    def language_names(self) -> dict[str, str]:
        """The name that each language on offer gives itself, in alphabetical order; its tag where
        its translation has none yet.
        """
        names = {tag: self._language_name(tag) for tag in self.languages}
        return dict(sorted(names.items(), key=lambda item: item[1].casefold()))

    def static_file(self, name: str) -> StaticFile | None:
        """Return the file of that name, or None."""
        return self._static_files.get(name)

    def template(self, name: str) -> Template:
        """Return a template as its file has it; raises LookupError where there is none."""
        return Template(self._found("templates", name)[0].read_text("utf-8"))

    def template_names(self) -> list[str]:
        """Return the file names of all templates."""
        return sorted({file.name for file in self._files("templates", ".html")})

    def _template_in(self, name: str, language: str) -> Template:
        return self.template(name).fill(self.texts(language))

    def _start_words(self, language: str, instant: int, timezone: str) -> str:
        return zoned_moment_words(self.texts(language), instant, ZoneInfo(timezone))

    def _language_name(self, tag: str) -> str:
        # Near the top of its file: to read all of all languages for their names takes long.
        for file in self._found("translations", f"{tag}.json"):
            with file.open(encoding="utf-8") as text:
                found = re.search(r'"language_name": *"([^"\\]+)"', text.read(300))
            if found:
                return found[1]
        return tag

    def _texts(self, language: str) -> Texts:
        catalogue: dict[str, object] = {}
        # A translation that lags behind shows English where it has no text yet.
        for tag in (FALLBACK, language):
            for file in reversed(self._found("translations", f"{tag}.json")):
                catalogue |= json.loads(file.read_text("utf-8"))
        return Texts(language, catalogue)

    @cached_property
    def _static_files(self) -> dict[str, StaticFile]:
        files = {}
        for file in reversed(self._files("static", "")):
            content_type = _CONTENT_TYPES.get(file.suffix)
            if content_type:
                files[file.name] = StaticFile(
                    file.read_bytes(), content_type, file.suffix in _COMPRESSIBLE
                )
        return files

    def _found(self, kind: str, name: str) -> list[Path]:
        """Return the operator's file of that name and the built-in one, as far as they exist."""
        files = (folder / kind / name for folder in self._folders)
        return [file for file in files if file.is_file()]

    def _files(self, kind: str, suffix: str) -> list[Path]:
        return [
            file
            for folder in self._folders
            if (folder / kind).is_dir()
            for file in (folder / kind).iterdir()
            if file.name.endswith(suffix) and file.is_file()
        ]
