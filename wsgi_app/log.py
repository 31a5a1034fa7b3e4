"""The log. Nothing that a visitor sent may stand in it: methods, route patterns and error numbers
with what they mean.
"""

from __future__ import annotations


def error(message: str, *values: object) -> None:
    """Log an error; `values` fill in the places of `message` as in the module logging."""
    import logging  # Slow to load, and most requests log nothing.

    logging.getLogger("planado").error(message, *values)
