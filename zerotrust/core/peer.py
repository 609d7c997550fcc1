"""Who is on the other end of a connection, as far as the connection itself or a trusted hop in front of it tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """What was presented for a connection's client. None of it is verified yet, but for the possession of the key.

    Whoever makes one vouches for this: the handshake in which the client proved the key of `chain[0]` was its own, or
    that of the hop it names. A verifier of certificates checks the chain all the same.

    Attributes:
        chain: the certificates as DER, the client's own first; empty where a hop passes on a name alone.
        hop: the configured name of the hop that says so; None if it is this server's own TLS connection.
        names: what a hop calls the client where it passes on no certificate: URIs or DNS names.
        stapled: the OCSP response that came with the client's certificate (RFC 8446 section 4.4.2.1), empty if none.
    """

    chain: tuple[bytes, ...] = ()
    hop: str | None = None
    names: tuple[str, ...] = ()
    stapled: bytes = b""
