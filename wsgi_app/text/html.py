"""Markup: templates without an engine, and what may stand in them.

`$name` in a template is a value, `${t.key}` a text of the visitor's language;
both are escaped. Only `Html` passes as it is, so markup is a type, not a habit.
Loops and conditions are Python.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

# Control characters that no HTML document may have, escaped or not (HTML standard, 13.1.4).
_FORBIDDEN = (*range(0x09), 0x0B, *range(0x0E, 0x20), *range(0x7F, 0xA0))
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"} | dict.fromkeys(
    map(chr, _FORBIDDEN), "\N{REPLACEMENT CHARACTER}"
)
_TO_ESCAPE = re.compile(f"[{re.escape(''.join(_ESCAPES))}]")


class Html(str):
    """Finished markup."""

    __slots__ = ()


class Template(string.Template):
    """A piece of HTML with `$name` and `${t.key}` in it."""

    idpattern = r"(?a:[a-z_]\w*(?:\.\w+)?)"

    def render(self, texts: Mapping[str, str], **values: object) -> Html:
        """Return the markup; raises KeyError where a value or a text is missing."""
        pieces = list(self.pieces)
        pieces[1::2] = [
            escape(texts[name[2:]] if name.startswith("t.") else values[name])
            for name in pieces[1::2]
        ]
        return Html("".join(pieces))

    def fill(self, texts: Mapping[str, str], **values: object) -> Template:
        """Return the template with these texts and values filled in and its other names left; a
        value that is a template is put in as it is.
        """
        pieces = list(self.pieces)
        pieces[0::2] = [_literal(text) for text in pieces[0::2]]
        pieces[1::2] = [_filled(name, texts, values) for name in pieces[1::2]]
        return Template("".join(pieces))

    def encoded(self) -> Page:
        """Return the template as a page; its texts must have been filled in."""
        texts = tuple(text.encode("utf-8") for text in self.pieces[0::2])
        return Page(texts, tuple(self.pieces[1::2]))

    @cached_property
    def pieces(self) -> list[str]:
        """Text as it stands and, at every odd place, a name."""
        pieces, text, end = [], "", 0
        for match in self.pattern.finditer(self.template):
            text += self.template[end : match.start()]
            end = match.end()
            name = match["named"] or match["braced"]
            if name:
                pieces += [text, name]
                text = ""
            elif match["escaped"] is not None:
                text += "$"
            else:
                raise ValueError("a $ that begins no name is written $$")
        return [*pieces, text + self.template[end:]]


class Page(NamedTuple):
    """A whole page as bytes: the texts around the values that are still to be filled in, and the
    names of these values.
    """

    texts: tuple[bytes, ...]
    names: tuple[str, ...]

    def render(self, **values: object) -> bytes:
        """Return the page with its values; raises KeyError where one is missing."""
        pieces = [b""] * (2 * len(self.names) + 1)
        pieces[0::2] = self.texts
        pieces[1::2] = [escape(values[name]).encode("utf-8") for name in self.names]
        return b"".join(pieces)


def _filled(name: str, texts: Mapping[str, str], values: Mapping[str, object]) -> str:
    key = name.removeprefix("t.")
    if key != name and key in texts:
        return _literal(escape(texts[key]))
    if name not in values:
        return f"${{{name}}}"
    value = values[name]
    return value.template if isinstance(value, Template) else _literal(escape(value))


def _literal(text: str) -> str:
    return text.replace("$", "$$")


def escape(value: object) -> Html:
    """Return the value as markup that shows it, in text and in quoted attributes."""
    if isinstance(value, Html):
        return value
    # Most values have nothing to escape, which a pattern finds faster than str.translate.
    return Html(_TO_ESCAPE.sub(_escaped, str(value)))


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES[match[0]]


def joined(pieces: Iterable[Html]) -> Html:
    """Return the pieces of markup one after the other."""
    return Html("".join(pieces))
