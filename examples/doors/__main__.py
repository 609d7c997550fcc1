"""Runs one of the applications on loopback, and prints tokens to try it with."""

from __future__ import annotations

import argparse
import socket
import time
from contextlib import suppress

from examples.doors.policies import ISSUER
from examples.doors.serving import DOORS, SERVERS
from examples.doors.setting import Setting
from zerotrust import Sources, hours
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import IssuerSource, LocalIssuer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.doors", description=__doc__)
    parser.add_argument("door", choices=DOORS)
    parser.add_argument("--server", choices=SERVERS)
    parser.add_argument("--port", type=int, default=8920)
    asked = parser.parse_args()
    door = DOORS[asked.door]
    server = asked.server or door.servers[0]
    if server not in door.servers:
        parser.error(f"{asked.door} runs on {' or '.join(door.servers)}")

    # The keys of this issuer are made now and gone with the process; yours has a URL, and sources that fetch.
    issuer = LocalIssuer(ISSUER, clock=time.time, algorithms=["EdDSA"])
    app = door.app(Setting(Sources(IssuerSource(issuer), MemoryStore())))
    listener = socket.create_server(("127.0.0.1", asked.port))
    print(guide(issuer, f"http://127.0.0.1:{listener.getsockname()[1]}", with_rates=door.is_asgi), flush=True)
    with suppress(KeyboardInterrupt):  # the way to end it
        SERVERS[server](app, listener)


def guide(issuer: LocalIssuer, at: str, *, with_rates: bool) -> str:
    """Tokens, and what to try with them."""
    now = int(issuer.clock())
    alice = issuer.mint(audience="ledger", scope="read pay", roles=["clerk"], auth_time=now, lifetime=hours(1))
    adele = issuer.mint(subject="adele", audience="ledger", roles=["staff"], lifetime=hours(1))
    order = """'{"reference": "p-9", "to": "dora", "cents": 500}'"""
    as_alice, as_adele = '-H "Authorization: Bearer $ALICE"', '-H "Authorization: Bearer $ADELE"'
    tries = [
        (f"curl -i {at}/health", "200: open"),
        (f"curl -i {at}/payments", "401: who are you?"),
        (f"curl -i {at}/payments {as_alice}", "200: hers"),
        (f"curl -i {at}/payments {as_alice} -H 'Content-Type: application/json' -d {order}", "200: paid"),
        (f"curl -i {at}/payments/p-1/refund -X POST {as_alice}", "403: not of finance"),
        (f"curl -i {at}/invoices/i-2 {as_alice}", "404: not hers"),
        (f"curl -i {at}/admin/ {as_alice}", "403: not of the staff"),
        (f"curl -i {at}/admin/ {as_adele}", "200: of the staff"),
        (f"curl -iN {at}/export {as_alice}", "200: streamed"),
    ]
    if with_rates:
        tries.append((f"curl -iN {at}/feed {as_alice}", "200: payments as they are made"))
    lines = [f"ALICE={alice}", f"ADELE={adele}", "", *(f"{command}  # {answer}" for command, answer in tries)]
    if with_rates:
        lines.append(f"# and a WebSocket, with the same header, at {at.replace('http', 'ws')}/rates")
    lines.append("# A warning about DPoP and a proxy that ends TLS is not about this: nothing stands in front here.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
