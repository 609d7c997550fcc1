"""Client data (WebAuthn Level 3 section 5.8.1): what a browser says about the page that asked, for which challenge."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.wire.json import parse_object

MAX_CLIENT_DATA: Final = 8 * 1024
"""Bytes of one document. Browsers write a few hundred; members may be added in the future."""

MAX_DEPTH: Final = 8

# Section 5.8.1.1 fixes these octets for browsers; where nothing is escaped or added, there is nothing else to parse.
_PLAIN: Final = rb'"([ !#-\[\]-~]*+)"'
_AS_WRITTEN: Final = re.compile(
    rb'\{"type":%b,"challenge":%b,"origin":%b,"crossOrigin":(?:false|(true)(?:,"topOrigin":%b)?)\}' % ((_PLAIN,) * 4)
).fullmatch

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_MEMBERS: Final = MALFORMED(detail="client data without type, challenge and origin as texts")
_CROSS_ORIGIN: Final = MALFORMED(detail="client data whose crossOrigin is neither true nor false")
_TOP_ORIGIN: Final = MALFORMED(detail="client data whose topOrigin is no text")


@dataclass(slots=True)  # not frozen: that would double what it costs to make one
class ClientData:
    """What a browser says; it is not to be believed before the signature over its hash is.

    Attributes:
        type: the ceremony: `webauthn.create` or `webauthn.get`.
        challenge: the challenge as it stands there, in base64url; in one spelling only if it is compared as text.
        origin: the page that asked, e.g. `https://example.com`.
        cross_origin: whether that page was inside another site's; False if it does not say.
        top_origin: that other site, if the browser names it.
    """

    type: str
    challenge: str
    origin: str
    cross_origin: bool = False
    top_origin: str | None = None


def parse_client_data(data: bytes) -> ClientData | Reason:
    """Read client data (sections 5.8.1 and 5.8.1.1).

    Args:
        data: the octets whose hash was signed.

    Returns:
        What they say, or a reason as `json.parse_object` gives them: `too_large`, or `malformed` for what is no JSON,
        has a name twice, or lacks a member or has one of another type. Members that are not known are ignored, as
        section 5.8.1 asks, `tokenBinding` among them, which Level 3 no longer defines.
    """
    written = _AS_WRITTEN(data) if len(data) <= MAX_CLIENT_DATA else None
    if written is not None:
        kind, challenge, origin, crossed, top = written.groups()
        named = None if top is None else top.decode()
        return ClientData(kind.decode(), challenge.decode(), origin.decode(), crossed is not None, named)
    return _parsed(data)


def _parsed(data: bytes) -> ClientData | Reason:
    # UTF-8 decode (WHATWG Encoding section 6), which sections 7.1 and 7.2 name, strips it.
    text = data[3:] if data.startswith(_BYTE_ORDER_MARK) else data
    members = parse_object(text, limit=MAX_CLIENT_DATA, depth=MAX_DEPTH)
    if isinstance(members, Reason):
        return members
    kind, challenge, origin = members.get("type"), members.get("challenge"), members.get("origin")
    if type(kind) is not str or type(challenge) is not str or type(origin) is not str:
        return _MEMBERS
    cross_origin = members.get("crossOrigin", False)
    if type(cross_origin) is not bool:
        return _CROSS_ORIGIN
    if "topOrigin" not in members:
        return ClientData(kind, challenge, origin, cross_origin)
    top_origin = members["topOrigin"]
    return ClientData(kind, challenge, origin, cross_origin, top_origin) if type(top_origin) is str else _TOP_ORIGIN
