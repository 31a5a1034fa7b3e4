"""Languages: which one a visitor reads, and its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

FALLBACK = "en"

# Characters. Browsers send some dozens; what comes after these is not read.
_LONGEST_HEADER = 500
# Without the spaces around it: two runs of them side by side would be tried in every division.
_RANGE = re.compile(
    r"([a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*|\*)(?:\s*;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?"
)


class Texts(dict[str, Any]):
    """The texts of one language by key: sentences, plural forms, names of days and months."""

    def __init__(self, language: str, catalogue: Mapping[str, Any]) -> None:
        super().__init__(catalogue)
        self.language = language

    def format(self, key: str, **values: object) -> str:
        """Return a text with its placeholders filled in."""
        text: str = self[key]
        return text.format(**values)

    def plural(self, key: str, number: int, **values: object) -> str:
        """Return the form of a text that goes with `number`, which is its placeholder too."""
        forms: Mapping[str, str] = self[key]
        form = forms.get(plural_category(self.language, number)) or forms["other"]
        return form.format(number=number, **values)


def plural_category(language: str, number: int) -> str:
    """Return the plural form that goes with a whole number up to 999,999, by the rules of Unicode
    CLDR.
    """
    match language.partition("-")[0]:
        case "ar" if number <= 2:
            return ("zero", "one", "two")[number]
        case "ar" if 3 <= number % 100 <= 10:
            return "few"
        case "ar":
            return "many" if number % 100 >= 11 else "other"
        case "pl" if number != 1:
            return "few" if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14 else "many"
        case "fr" | "pt":
            return "one" if number in (0, 1) else "other"
        case _:
            return "one" if number == 1 else "other"


def choose_language(accept_language: str, available: tuple[str, ...]) -> str:
    """Return the language of `available` that an Accept-Language header weighs highest.

    RFC 9110 section 12.5.4 says what its ranges and weights mean. Where none is accepted, it is
    the first of `available`. Ranges beyond the first 500 characters of the header are not read.
    """
    if len(accept_language) > _LONGEST_HEADER:
        # The last range may be cut in two.
        accept_language = accept_language[:_LONGEST_HEADER].rpartition(",")[0]
    return _chosen(accept_language, available)


@lru_cache(maxsize=256)
def _chosen(accept_language: str, available: tuple[str, ...]) -> str:
    ranges = _ranges(accept_language)
    preferences = {language: _preference(language, ranges) for language in available}
    best = max(available, key=preferences.__getitem__)
    weight, _ = preferences[best]
    return best if weight > 0 else available[0]


def _preference(language: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return the weight of the most specific range that matches, 0 without any, and how early the
    first one stands.
    """
    matches = [
        (len(spoken), weight, position)
        for position, (spoken, weight) in enumerate(ranges)
        if _matches(spoken, language)
    ]
    return (max(matches)[1], -matches[0][2]) if matches else (0.0, 0)


def _ranges(header: str) -> list[tuple[str, float]]:
    ranges = []
    # Real headers name a dozen ranges at most; a hostile one may not cost more.
    for part in header.split(",", 50)[:50]:
        match = _RANGE.fullmatch(part.strip())
        if match:
            ranges.append((match[1].lower().replace("*", ""), float(match[2] or 1)))
    return ranges


def _matches(spoken: str, language: str) -> bool:
    """Say whether a range serves a language: de-AT and de serve de; the empty range, *, serves
    all.
    """
    spoken, language = f"{spoken}-", f"{language.lower()}-"
    return spoken == "-" or spoken.startswith(language) or language.startswith(spoken)
