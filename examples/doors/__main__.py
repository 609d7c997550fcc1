"""Runs one of the applications on loopback, and prints tokens to try it with."""

from __future__ import annotations

import argparse
import socket
import time

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
    SERVERS[server](app, listener)


def guide(issuer: LocalIssuer, at: str, *, with_rates: bool) -> str:
    """Tokens, and what to try with them."""
    now = int(issuer.clock())
    alice = issuer.mint(audience="ledger", scope="read pay", auth_time=now, lifetime=hours(1))
    admin = issuer.mint(subject="adele", audience="ledger", roles=["staff"], lifetime=hours(1))
    order = '{"reference": "p-9", "to": "dora", "cents": 500}'
    lines = [
        f"ALICE={alice}",
        f"ADELE={admin}",
        "",
        f"curl -i {at}/health                                                # open",
        f"curl -i {at}/payments                                              # 401: who are you?",
        f'curl -i {at}/payments -H "Authorization: Bearer $ALICE"             # hers',
        f'curl -i {at}/payments/p-1/refund -X POST -H "Authorization: Bearer $ALICE"  # 403: not of finance',
        f'curl -i {at}/invoices/i-2 -H "Authorization: Bearer $ALICE"         # 404: not hers',
        f'curl -i {at}/admin/ -H "Authorization: Bearer $ADELE"',
        f"curl -i {at}/payments -H \"Authorization: Bearer $ALICE\" -H 'Content-Type: application/json' -d '{order}'",
        f'curl -N {at}/export -H "Authorization: Bearer $ALICE"               # streamed',
    ]
    if with_rates:
        lines.append(f'curl -N {at}/feed -H "Authorization: Bearer $ALICE"                 # payments as they are made')
        lines.append(f"# and a WebSocket, with the same header, at {at.replace('http', 'ws')}/rates")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
