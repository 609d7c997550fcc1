"""The Unix socket of a process that ends is removed, and that of the next one is not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from zerotrust.service.listen import forget, unix_socket


def test_a_socket_is_removed_unless_somebody_listens_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # paths of sockets have at most 107 octets
    path = Path("s")
    assert forget(path)  # there is none
    unix_socket(path).close()
    assert path.is_socket()
    assert forget(path)
    assert not path.exists()
    with unix_socket(path) as listener:
        assert not forget(path)
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
            for client in (one, other):  # until its queue is full
                client.setblocking(False)
                client.connect_ex(str(path))
            assert not forget(path)
        assert path.is_socket()
