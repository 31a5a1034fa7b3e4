"""Whether a client accepts gzip (RFC 9110 section 12.5.3); `text/theme.py` compresses."""

from __future__ import annotations

import re

# Characters. Browsers send some dozens.
_LONGEST_HEADER = 500
_CODING = re.compile(r"([a-z-]+|\*)(?:[ \t]*;[ \t]*q=([01](?:\.[0-9]{0,3})?))?")


def takes_gzip(accept_encoding: str) -> bool:
    """Say whether an Accept-Encoding header weighs gzip no less than an answer as it is.

    A header of more than 500 characters counts as none, which takes nothing but the answer as
    it is.
    """
    if len(accept_encoding) > _LONGEST_HEADER:
        return False
    weights = {}
    for part in accept_encoding.lower().split(","):
        match = _CODING.fullmatch(part.strip(" \t"))
        if match:
            # The older name (section 8.4.1.3).
            weights[match[1].replace("x-gzip", "gzip")] = float(match[2] or 1)
    others = weights.get("*", 0.0)
    gzip = weights.get("gzip", others)
    return gzip > 0 and gzip >= weights.get("identity", others)
