"""One of several processes that prove factors in the same session, by the same cookie, at the same moment."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.sessions.browsers import ADA, KEEPERS, NOW, Browser, proof
from zerotrust.core.ask import SourceFailed
from zerotrust.driver import Sources, run
from zerotrust.sessions.registry import Begun
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session


def present(session: Session, sources: Sources, cookie: str, by: str) -> tuple[str, str, str]:
    """Prove the factor `by`: what came of it, by whom, and the new cookie if there is one."""
    browser = Browser({"__Host-session": cookie})
    try:
        begun: Any = run(session.adding(browser.request(NOW + 1), Proving(ADA, proof(at=NOW + 1, by=by))), sources)
    except SourceFailed:
        return "failed", by, ""
    if not isinstance(begun, Begun):
        return str(begun.code), by, ""
    if not begun.headers:
        return "joined", by, ""
    browser.take(begun.headers)
    return "new", by, browser.cookie


def main() -> None:
    """For each line of orders: say that it is ready, and go when told."""
    for line in iter(sys.stdin.readline, ""):
        orders = json.loads(line)
        store = SqliteStore(orders["path"], durable=False)
        session, sources = Session(source="shop", keep=KEEPERS[orders["keep"]]), Sources(store)
        session.valid  # noqa: B018 - what is loaded late is loaded now
        print("ready", flush=True)
        sys.stdin.readline()
        told = [present(session, sources, orders["cookie"], f"{orders['who']}-{at}") for at in range(orders["count"])]
        print(json.dumps(told), flush=True)
        store.close()
