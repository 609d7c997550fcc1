"""Names that are not in the front door: what a program is told that looks for them there."""

from __future__ import annotations

from importlib import import_module

import pytest

import zerotrust
from zerotrust.core.elsewhere import _ROOMS


def test_what_is_elsewhere_says_where() -> None:
    with pytest.raises(ImportError) as caught:
        exec("from zerotrust import Bearer, Guard")  # which no linter has to see
    assert str(caught.value) == (
        "Guard is not in zerotrust itself; write `from zerotrust.fastapi import Guard`; there is one for each "
        "framework: zerotrust.fastapi, zerotrust.starlette, zerotrust.flask, zerotrust.django, zerotrust.functions, "
        "zerotrust.asgi, zerotrust.wsgi"
    )
    with pytest.raises(ImportError) as caught:
        exec("from zerotrust import LocalIssuer")
    assert str(caught.value) == (
        "LocalIssuer is not in zerotrust itself; write `from zerotrust.testing import LocalIssuer`"
    )


def test_it_is_there() -> None:
    for name, rooms in _ROOMS.items():
        assert name not in zerotrust.__all__
        for room in rooms:
            assert hasattr(import_module(f"zerotrust.{room}"), name), (name, room)


def test_what_is_nowhere_is_missing_as_in_any_module() -> None:
    assert not hasattr(zerotrust, "Nothing")
    with pytest.raises(AttributeError, match=r"has no attribute 'Baerer'; did you mean 'Bearer'\?"):
        _ = zerotrust.Baerer
    with pytest.raises(AttributeError, match=r"has no attribute 'xyzzy'$"):
        _ = zerotrust.xyzzy
