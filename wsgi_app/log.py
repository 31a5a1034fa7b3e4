"""The log. Nothing that a visitor sent may stand in it: methods, route patterns and error numbers
with what they mean.
"""

from __future__ import annotations


def error(message: str, *values: object) -> None:
    """Log an error; `values` fill in the places of `message` as in the module logging."""
    import logging  # Slow to load, and most requests log nothing.

    logging.getLogger("planado").error(message, *values)


def without_values(error: BaseException) -> str:
    """Return where an error came from and of which kind it is; its text may quote what a visitor
    sent.
    """
    import traceback

    places = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}\n{places}"
