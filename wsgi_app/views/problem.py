"""Problems: told to people as a page, to programs as JSON (RFC 9457)."""

from __future__ import annotations

import json
from urllib.parse import quote

from ..text.html import Html, Template
from ..web.request import Request
from ..web.response import Problem, Response
from .layout import document, in_language, waiting_head

PROBLEM_TYPE = "application/problem+json"

_RELOAD = Template('data-reload-in="$milliseconds"')
# Not in the template folder: it must work when an operator's template does not.
_BARE = Template("<!doctype html><title>$status</title><p>$status</p>")


def report(request: Request, problem: Problem) -> Response:
    """Return the answer that tells what went wrong, in a sentence."""
    try:
        return _document(request, problem) if request.is_for_api else _page(request, problem)
    except (LookupError, ValueError, OSError):
        status = f"{problem.status.value} {problem.status.phrase}"
        body = _BARE.render(request.texts, status=status)
        return Response(body.encode("utf-8"), problem.status, problem.headers)


def _page(request: Request, problem: Problem) -> Response:
    retry_after = int(problem.headers.get("Retry-After", 0)) if request.method == "GET" else 0
    content = request.markup(
        "problem.html",
        explanation=request.texts[problem.text],
        home_url=request.page_url("/"),
        reload=_RELOAD.render({}, milliseconds=retry_after * 1000) if retry_after else Html(),
    )
    head = Html()
    if retry_after:
        again_url = request.url(quote(request.path))
        if request.query_string:
            again_url += f"?{request.query_string}"
        head = waiting_head(request).render({}, reload_in=retry_after, again_url=again_url)
    title = request.texts[f"{problem.text}_title"]
    return document(request, title, content, problem.status, head, problem.headers)


def _document(request: Request, problem: Problem) -> Response:
    described = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": request.texts.get(f"{problem.text}_api") or request.texts[problem.text],
        "errors": [
            {"field": field, "message": message} for field, message in problem.errors.items()
        ],
    }
    headers = {"Content-Type": PROBLEM_TYPE, **problem.headers}
    return in_language(request, json.dumps(described).encode("ascii"), problem.status, headers)
