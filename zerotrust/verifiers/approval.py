"""Approval of one exact operation: a WebAuthn assertion whose challenge is the digest of what is done.

On the wire (all base64url without padding, RFC 4648 section 5; JSON as in RFC 8259):

1. A request that lacks its approval is refused. One of `step_up.ways` in the problem body then has the step

       {"method": "approval",
        "approval": "<opaque, base64url>",
        "operation": {"method": "POST", "host": "api.example.com", "path": "/payments",
                      "fields": {"amount": 100, "to": "..."}, "query": {}},
        "document": "<text>",
        "publicKey": {<PublicKeyCredentialRequestOptionsJSON, WebAuthn Level 3 section 5.1.9>}}

   `document` is the text that is signed for: canonical JSON (RFC 8785) of {"account": {"source", "subject"},
   "approval": <the same>, "operation": <the same>, "type": "zerotrust-approval-v1"}. `publicKey.challenge` is the
   SHA-256 of its UTF-8 octets. A client shows `JSON.parse(document).operation` to the person, and signs only if the
   SHA-256 of `document` is the challenge: so what is seen is what is signed, and it needs no canonical JSON of its own.

2. The client has it signed, `navigator.credentials.get({publicKey})`, and sends the very same request again (method,
   URL, body) with one header more:

       Zerotrust-Approval: <approval>.<base64url of the UTF-8 JSON of AuthenticationResponseJSON, credential.toJSON()>

   It is at most 8192 characters long, comes once, and counts once. There is no other request in between.

3. An approval that is not good any more (expired, used, of another operation) is refused, and that step then is
   {"method": "approval"} alone: the same request without the header is told anew what is to be approved.

The operation is recomputed from the request as it came. Nothing that the client says of it counts.
"""

from __future__ import annotations

from typing import Final

HEADER: Final = "zerotrust-approval"
"""The header field that carries an approval, in lower case."""

MAX_HEADER: Final = 8 * 1024
"""Characters of it: an assertion by the longest RSA key, with the longest credential id, still fits."""
