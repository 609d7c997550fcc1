"""Whether a post comes from a page of this very application: browsers say so, and scripts cannot change what they say.

A ceremony acts by a cookie, so a post must not be another site's doing (CSRF, RFC 6265bis section 8.8). `Origin` (Fetch
section 3.2) and `Sec-Fetch-Site` (Fetch Metadata section 2.3) need neither state nor a field in every form; browsers
send at least one of them with every POST. Sessions take requests that carry neither, as programs send them; ceremonies
are for pages, so here that is not enough.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from zerotrust.core.reason import CROSS_SITE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.sessions.cross_site import cross_site, is_loopback

_NOTHING_SAID: Final = CROSS_SITE(detail="neither Origin nor Sec-Fetch-Site says which page sent it")


def forged(request: AccessRequest, origins: Collection[str]) -> Reason | None:
    """Why `request`, a POST, may be another site's doing; None if a page of ours sent it.

    Args:
        request: what came in.
        origins: of pages besides those of the host itself, as `check_origins` gives them.
    """
    if request.field("origin") is None and request.field("sec-fetch-site") != b"same-origin":
        return _NOTHING_SAID
    return cross_site(request, origins, plain_http=is_loopback(request.host))
