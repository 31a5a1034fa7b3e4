"""Calls from scripts of other sites that the operator allows (Fetch standard, section 3.2)."""

from __future__ import annotations

from .request import Request
from .response import Response

METHODS = "GET, POST, PATCH, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match"
RESPONSE_HEADERS = "ETag, Location, Retry-After"

_PREFLIGHT_SECONDS = "7200"


def with_cors(request: Request, response: Response) -> Response:
    """Return an answer of the API with the headers that let the asking site read it."""
    allowed = request.config.api.allowed_origins
    if not allowed:
        return response
    vary = ", ".join(filter(None, [response.headers.get("Vary", ""), "Origin"]))
    headers = {**response.headers, "Vary": vary}
    origin = request.header("Origin")
    if origin and (origin in allowed or "*" in allowed):
        # Any site gets the same answer, which repeats nothing that was sent.
        headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
        headers["Access-Control-Expose-Headers"] = RESPONSE_HEADERS
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = METHODS
            headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
            headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
    return response._replace(headers=headers)
