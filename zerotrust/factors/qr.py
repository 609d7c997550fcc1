"""QR codes of provisioning URIs, as SVG and for a terminal. Needs the extra `qr` (segno)."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from zerotrust.core.errors import ConfigError

if TYPE_CHECKING:
    from segno import QRCode

# White on black whatever the terminal's own colours are: the blocks are the light modules.
_COLOURS = "\x1b[97;40m"
_RESET = "\x1b[0m"


def svg(text: str) -> str:
    """`text` as a QR code: an `<svg>` element to put into a page. Dark on light in any theme; it scales.

    Raises:
        ConfigError: segno is not installed, or the text is too long for a QR code.
    """
    return _code(text).svg_inline(border=4, dark="#000", light="#fff", omitsize=True)


def terminal(text: str) -> str:
    """`text` as a QR code of lines for a terminal that knows colours.

    Raises:
        ConfigError: segno is not installed, or the text is too long for a QR code.
    """
    written = StringIO()
    _code(text).terminal(written, border=4, compact=True)
    return "".join(f"{_COLOURS}{line}{_RESET}\n" for line in written.getvalue().splitlines())


def _code(text: str) -> QRCode:
    try:
        import segno
    except ImportError:
        raise ConfigError('QR codes need the extra "qr": pip install "zerotrust[qr]"') from None
    try:
        return segno.make_qr(text, error="m")
    except segno.DataOverflowError:
        # Not from it: its message and frames could show the text.
        raise ConfigError("too long for a QR code: a shorter label is needed") from None
