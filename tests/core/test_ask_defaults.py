"""What asks say where nobody says otherwise, and what of a post shows."""

from __future__ import annotations

from zerotrust.core.ask import Count, Fetch, Lookup, Post, Put, ReadBody, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN

FORM = (("token", "of-ann"),)


def test_what_nobody_said() -> None:
    put = Put("kind", b"key", b"value", 2.0, 1.0)
    assert (put.secret, put.announce, Lookup("kind", b"key", 1.0).secret) == (False, False, False)
    assert Count("space", b"key", 60.0, 1.0).add == 1
    limits = Fetch("https://a.example", 1.0).limit, Post("https://a.example", FORM, 1.0).limit, ReadBody().limit
    assert limits == (524_288, 65_536, 65_536)
    assert SourceFailed(SOURCE_DOWN()).retry_after == 5.0


def test_what_is_signed_is_sent_with_the_form_and_neither_shown_nor_compared() -> None:
    plain = Post("https://a.example", FORM, 1.0, shared=b"of-ann-too")
    signed = Post("https://a.example", FORM, 1.0, shared=b"of-ann-too", sign=lambda: (("assertion", "signed"),))
    assert plain.content() == FORM
    assert signed.content() == (*FORM, ("assertion", "signed"))
    assert signed == plain
    assert repr(signed) == repr(plain)
    assert "of-ann" not in repr(plain)
