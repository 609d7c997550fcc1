"""Runs the shop on loopback, for one person with a password to try it with."""

import argparse
from secrets import token_bytes, token_urlsafe

try:
    import fastapi as _  # noqa: F401 - asked for here, so that what is missing can be told by its name
    import uvicorn
except ImportError as missing:
    raise SystemExit(f"the shop needs {missing.name}, of the extra `demo`: pip install -e '.[demo,qr]'") from None

from examples.mfa_app.app import create_app
from examples.mfa_app.people import People
from examples.mfa_app.policies import policies
from zerotrust import Sources
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.mfa_app", description=__doc__)
    parser.add_argument("--port", type=int, default=8910)
    port = parser.parse_args().port
    origin = f"http://localhost:{port}"  # not 127.0.0.1: passkeys belong to names
    password = token_urlsafe(9)
    # All of it is forgotten when this ends. A shop keeps its keys in its configuration and its store in a database.
    store = MemoryStore(keys=StoreKeys(encrypt=[token_bytes(32)]))
    shop = policies("localhost", origin, token_bytes(32), development=True)
    app = create_app(shop, People({"ada": password}), Sources(store))
    print(f"{origin}\nname:     ada\npassword: {password}", flush=True)
    uvicorn.run(app, port=port, proxy_headers=False, log_level="warning")


if __name__ == "__main__":
    main()
