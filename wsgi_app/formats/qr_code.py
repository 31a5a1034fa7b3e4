"""QR codes. The only module that imports segno."""

from __future__ import annotations

import io

import segno


def qr_code(text: str) -> bytes:
    """Return an SVG picture of the text as a QR code, black on white in any surroundings, with the
    quiet zone that scanners want.
    """
    picture = io.BytesIO()
    code = segno.make_qr(text, error="m")
    # Its size is left to the style sheet.
    code.save(picture, kind="svg", omitsize=True, svgclass=None, lineclass=None, light="#fff")
    return picture.getvalue()
