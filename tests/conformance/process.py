"""One door in a process of its own, by itself or on a server; what it has to know comes by standard input.

`python -m tests.conformance.process DOOR SERVER FD`, or `... DOOR inside`, which answers by standard output.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from typing import Any

from examples.doors.serving import DOORS, SERVERS
from tests.conformance.inside import answers_of
from tests.conformance.wire import Request, plain
from tests.conformance.world import setting


def main() -> None:
    door, server, *more = sys.argv[1:]
    logging.basicConfig(stream=sys.stderr, level=logging.CRITICAL)
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    app = DOORS[door].app(setting(told["published"]))
    if server == "inside":
        requests = [_request(one) for one in told["requests"]]
        print(json.dumps(plain(answers_of(app, requests, is_asgi=DOORS[door].is_asgi))))
        return
    listener = socket.socket(fileno=int(more[0]))
    os.set_inheritable(listener.fileno(), True)
    SERVERS[server](app, listener)


def _request(said: dict[str, Any]) -> Request:
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in said["headers"])
    host = None if said["host"] is None else said["host"].encode("latin-1")
    return Request(
        said["method"], said["target"].encode("latin-1"), headers, said["body"].encode("latin-1"), host,
        said["version"], said["upgrade"],
    )  # fmt: skip


def told_to(request: Request) -> dict[str, Any]:
    """`request` for `_request`."""
    return {
        "method": request.method,
        "target": request.target.decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
        "body": request.body.decode("latin-1"),
        "host": None if request.host is None else request.host.decode("latin-1"),
        "version": request.version,
        "upgrade": request.upgrade,
    }


if __name__ == "__main__":
    main()
