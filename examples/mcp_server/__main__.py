"""Runs the server with an issuer of its own, and prints tokens to try it with."""

import argparse
import time

import uvicorn

from examples.mcp_server.policies import READ, WRITE
from examples.mcp_server.server import create_app
from zerotrust import hours
from zerotrust.testing import LocalIssuerServer, act_chain


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.mcp_server", description=__doc__)
    parser.add_argument("--port", type=int, default=8900)
    port = parser.parse_args().port
    resource = f"http://127.0.0.1:{port}/mcp"
    with LocalIssuerServer(clock=time.time, algorithms=["ES256"]) as server:
        both = f"{READ} {WRITE}"
        for who, token in (
            ("ada, to read", server.issuer.mint(subject="ada", audience=resource, scope=READ, lifetime=hours(1))),
            (
                "ada, to read and write",
                server.issuer.mint(subject="ada", audience=resource, scope=both, lifetime=hours(1)),
            ),
            (
                "an agent for ada, whatever it asks for",
                server.issuer.mint(
                    subject="ada", audience=resource, scope=both, lifetime=hours(1), act=act_chain("agent")
                ),
            ),
        ):
            print(f"--- {who}\n{token}\n")
        print(f"MCP server: {resource}\nissuer:     {server.url}", flush=True)
        uvicorn.run(create_app(server.url, resource), port=port, proxy_headers=False, log_level="warning")


if __name__ == "__main__":
    main()
