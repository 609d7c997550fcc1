"""The meaning of a table told again, plainly and slowly: every row is looked at, for every request."""

from __future__ import annotations

from collections.abc import Sequence

from zerotrust.segments import Flow


def covers_path(pattern: str, path: str) -> bool:
    if pattern.endswith("/**"):
        whole = pattern.removesuffix("**").split("/")
        given = path.split("/")
        return len(given) >= len(whole) and _alike(whole[:-1], given[: len(whole) - 1])
    return len(pattern.split("/")) == len(path.split("/")) and _alike(pattern.split("/"), path.split("/"))


def _alike(pattern: Sequence[str], path: Sequence[str]) -> bool:
    return all(
        given != "" if wanted.startswith("{") else wanted == given for wanted, given in zip(pattern, path, strict=True)
    )


def covers_peer(selector: str, peer: str) -> bool:
    if selector == "*":
        return True
    if selector.endswith("/**"):
        start = selector.removesuffix("**").split("/")[:-1]
        return peer.split("/")[: len(start)] == start and len(peer.split("/")) > len(start)
    return selector == peer


def covers(flow: Flow, peer: str, method: str, path: str) -> bool:
    return (
        covers_peer(str(flow.peer), peer)
        and (method in flow.methods or "*" in flow.methods)
        and any(covers_path(str(pattern), path) for pattern in flow.paths)
    )


def allows(flows: Sequence[Flow], peer: str, method: str, path: str) -> bool:
    """For rows of one service."""
    covering = [flow for flow in flows if covers(flow, peer, method, path)]
    return any(not flow.denies for flow in covering) and not any(flow.denies for flow in covering)
