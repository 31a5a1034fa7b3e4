"""QR codes. The only module that imports segno, and only when one is drawn: that takes 25 ms."""

from __future__ import annotations

from .page import Html


def qr_code(text: str) -> Html:
    """Return an SVG element that shows the text as a QR code, black on white in any surroundings,
    with the quiet zone that scanners want.
    """
    import segno

    code = segno.make_qr(text, error="m")
    # Its size is left to the style sheet.
    return Html(code.svg_inline(omitsize=True, svgclass=None, lineclass=None, light="#fff"))
