"""Markup: templates without an engine, and what may stand in them.

`$name` in a template is a value, `${t.key}` a text of the visitor's language;
both are escaped. Only `Html` passes as it is, so markup is a type, not a habit.
Loops and conditions are Python.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping

# Control characters that no HTML document may have, escaped or not (HTML standard, 13.1.4).
_FORBIDDEN = (*range(0x09), 0x0B, *range(0x0E, 0x20), *range(0x7F, 0xA0))
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
) | dict.fromkeys(_FORBIDDEN, "\N{REPLACEMENT CHARACTER}")


class Html(str):
    """Finished markup."""

    __slots__ = ()


class Template(string.Template):
    """A piece of HTML with `$name` and `${t.key}` in it."""

    idpattern = r"(?a:[a-z_]\w*(?:\.\w+)?)"

    def render(self, texts: Mapping[str, str], **values: object) -> Html:
        """Return the markup; raises KeyError where a value or a text is missing."""
        return Html(self.substitute(_Escaped(texts, values)))


class _Escaped(Mapping[str, str]):
    def __init__(self, texts: Mapping[str, str], values: Mapping[str, object]) -> None:
        self.texts = texts
        self.values_by_name = values

    def __getitem__(self, name: str) -> str:
        prefix, _, key = name.partition(".")
        return escape(self.texts[key] if key and prefix == "t" else self.values_by_name[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def escape(value: object) -> Html:
    """Return the value as markup that shows it, in text and in quoted attributes."""
    if isinstance(value, Html):
        return value
    return Html(str(value).translate(_ESCAPES))


def joined(pieces: Iterable[Html]) -> Html:
    """Return the pieces of markup one after the other."""
    return Html("".join(pieces))
