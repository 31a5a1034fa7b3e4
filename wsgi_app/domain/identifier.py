"""Identifiers: the only place where Planado draws random numbers."""

from __future__ import annotations

SMALLEST = 1000_0000_0000_0000
LARGEST = 9999_9999_9999_9999

# The PHP original drew up to 19 digits into a BIGINT; its links stay valid.
_LARGEST_STORED = 2**63 - 1
_MOST_DIGITS = 19


def draw() -> int:
    """Return 16 random digits, uniform over SMALLEST to LARGEST, from the operating system's
    CSPRNG.
    """
    import secrets  # Slow to load, and most requests draw nothing.

    return SMALLEST + secrets.randbelow(LARGEST - SMALLEST + 1)


def parse(text: str) -> int | None:
    """Return the identifier that `text` writes in ASCII digits, or None if it writes none."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS) or text[0] == "0":
        return None
    identifier = int(text)
    return identifier if identifier <= _LARGEST_STORED else None
