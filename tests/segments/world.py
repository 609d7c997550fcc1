"""Small tables, and all requests that can tell two of them apart."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from zerotrust.segments import ANY, Flow, deny

PEERS = ("*", "spiffe://p/**", "spiffe://p/a/**", "spiffe://p/a", "spiffe://p/a/b", "spiffe://q/**", "spiffe://q/a")
METHODS: tuple[tuple[str, ...], ...] = (("GET",), ("POST",), ("GET", "POST"), (ANY,))
PATTERNS = (
    "/", "/**", "/a", "/a/", "/a/**", "/a/b", "/a/{x}", "/a/{x}/", "/{x}", "/{x}/", "/{x}/**", "/{x}/b", "/{x}/{y}",
    "/{x}/b/**", "/{x}/{y}/**", "/b/**", "/a/{x}/**",
)  # fmt: skip

# "z", the methods beyond two and the peers below "z" are named by no row: they stand for all others.
WORKLOADS = (
    "spiffe://p/a", "spiffe://p/a/b", "spiffe://p/a/z", "spiffe://p/z", "spiffe://q/a", "spiffe://q/z", "spiffe://z/z",
)  # fmt: skip
PATHS = tuple(
    "/" + "/".join(parts)
    for count in (1, 2, 3, 4)
    for parts in product(("a", "b", "z", ""), repeat=count)
    if "" not in parts[:-1]
)
REQUESTS = tuple(product(WORKLOADS, ("GET", "POST", "PUT"), PATHS))
SHORT = tuple(product(WORKLOADS, ("GET", "PUT"), [path for path in PATHS if path.count("/") < 3]))


def _row(peer: str, methods: tuple[str, ...], paths: list[str], denies: bool) -> Flow:
    return deny(peer, "s", methods, paths) if denies else Flow(peer, "s", methods, paths)


_distinct = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3, unique=True)
rows = st.builds(_row, st.sampled_from(PEERS), st.sampled_from(METHODS), _distinct, st.booleans())
tables = st.lists(rows, min_size=1, max_size=6)
