"""Text from outside as it may be shown: on one line, without control characters, cut to a length."""

from __future__ import annotations

_MOST = 200


def visible(value: object) -> str:
    """`value` as text of at most 200 characters in which everything that does not print is escaped.

    What a caller sent ends up in explanations and logs; a line break in it would forge lines there (CWE-117).
    """
    text = str(value)
    if len(text) > _MOST:
        text = text[: _MOST - 3] + "..."
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
