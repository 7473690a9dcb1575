"""An enrolment code as a picture that a station's camera reads: for a page, or for a terminal."""

from __future__ import annotations

import io

import segno

from cloud_sync.wire.enrolment_code import EnrolmentCode

QUIET = 4
"""Modules of white around it, as the standard asks."""


def as_svg(code: EnrolmentCode) -> str:
    """Return an SVG element, black on white whatever the page's colours are, to stand in a page."""
    return str(_made(code).svg_inline(border=QUIET, omitsize=True, dark="#000", light="#fff"))


def as_text(code: EnrolmentCode) -> str:
    """Return lines of half blocks for a terminal with light letters on dark."""
    out = io.StringIO()
    _made(code).terminal(out, border=QUIET, compact=True)
    return out.getvalue()


def _made(code: EnrolmentCode) -> segno.QRCode:
    return segno.make_qr(code.text(), error="m")
