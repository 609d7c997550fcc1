"""A person whose browser was going somewhere and was refused: on to the page that lets them prove what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from zerotrust.core.request import AccessRequest
from zerotrust.web.answer import Answer
from zerotrust.web.ceremonies.landing import asked_for
from zerotrust.web.ceremonies.replies import onward
from zerotrust.web.ceremonies.ways import methods_of

# The first choice of a browser that follows a link; scripts ask for JSON, or for anything.
_HTML_FIRST: Final = re.compile(r"[ \t]*(?:text/html|application/xhtml\+xml)[ \t]*(?:[;,]|$)", re.IGNORECASE)


def leading(request: AccessRequest, at: str, ways: Mapping[str, Any]) -> Answer | None:
    """Where the browser goes to prove what is missing; None unless it is navigating, or if the page could do nothing.

    Args:
        request: what was refused.
        at: where the ceremonies are, as browsers see it.
        ways: the `step_up` of the refusal.
    """
    doable = [way for way in ways["ways"] if all(one["method"] != "approval" for one in way)]
    methods = methods_of({"ways": doable})
    if not methods or not is_navigation(request):
        return None
    following = asked_for(request)
    fields = [f"next={quote(following, safe='/')}"] if following else []
    fields.append("for=" + ",".join(methods))
    passkeys = [one for way in doable for one in way if one["method"] == "passkey"]
    if passkeys and all(one.get("user_verified") for one in passkeys):
        fields.append("verified=passkey")  # or a device that does not look would lead there again and again
    return onward(f"{at}/?{'&'.join(fields)}", code="step_up")


def is_navigation(request: AccessRequest) -> bool:
    """Whether a browser is about to show the answer as a page (Fetch Metadata section 2.2), and nothing is posted."""
    if request.method != "GET":
        return False
    mode = request.header("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate" and request.header("sec-fetch-dest") in (None, "document")
    accept = request.header("accept")
    return isinstance(accept, str) and _HTML_FIRST.match(accept) is not None
