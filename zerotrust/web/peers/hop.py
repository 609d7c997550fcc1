"""A hop that ends TLS in front of this server, and what makes its word count: where it is, and what it can show."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hmac import compare_digest
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.networks import Network, read_networks
from zerotrust.core.reason import UNTRUSTED_HOP, Reason
from zerotrust.pki.chain import CLIENT, Anchors, ChainRules, build_path
from zerotrust.pki.path_cache import PathCache
from zerotrust.verifiers.token import texts
from zerotrust.web.peers.contract import Connection
from zerotrust.web.peers.format import Format
from zerotrust.web.peers.headers import KNOWN, check_header, taken
from zerotrust.wire.certificate import Certificate

_SHORTEST: Final = 32
_SECRET: Final = re.compile("[!-+\\--~]+")  # visible ASCII without the comma that joins headers
_PIN: Final = re.compile("[0-9a-f]{64}")
_PATHS: Final = 64
_CALL: Final = "HopSecret(header, secret): "


class HopSecret:
    """A secret that the hop sends in a header with every request, and nobody else knows.

    Args:
        header: the header. The hop must set it itself, whatever a client sends.
        values: the secret, at least 32 characters, as `secrets.token_urlsafe(32)` makes; several while one replaces
            another.

    Raises:
        ConfigError: it is too short, or cannot stand in a header.
    """

    __slots__ = ("_values", "header")

    def __init__(self, header: str, *values: str) -> None:
        # What was given is never shown: where the two are swapped, or one is missing, it is the secret.
        call = _CALL + ("the header comes first; " if _is_long(header) else "")
        try:
            self.header: str = check_header("header", header)
        except ConfigError:
            raise ConfigError(f"{call}the header is of letters, digits and hyphens: x-hop-secret") from None
        if self.header.encode() in KNOWN or taken(self.header):
            raise ConfigError(f"{call}the header is one that nothing else sets or reads: x-hop-secret")
        if not values:
            raise ConfigError(f"{call}there is no secret: write one of at least {_SHORTEST} characters")
        for value in values:
            if not _is_long(value) or len(set(value)) < 8:
                raise ConfigError(
                    f"{call}the secret is too easy to guess: write at least {_SHORTEST} characters made by "
                    "secrets.token_urlsafe(32)"
                )
            if not _SECRET.fullmatch(value):
                raise ConfigError(f"{call}write the secret as visible ASCII without commas and blanks")
        self._values: tuple[bytes, ...] = tuple(value.encode("ascii") for value in values)

    def refusal(self, found: Mapping[bytes, bytes], hop: str) -> Reason | None:
        """Why `found` does not show that it comes from the hop. Takes as long whatever was sent (CWE-208)."""
        sent = found.get(self.header.encode(), b"")
        good = False
        for value in self._values:
            good |= compare_digest(sent, value)
        if good:
            return None
        expected = f"the secret of {hop} in {self.header}"
        if sent:
            detail = f"the {self.header} that came is not the secret of {hop}"
            return UNTRUSTED_HOP(expected=expected, presented="another", detail=detail)
        detail = f"no {self.header} came, by which {hop} proves itself"
        return UNTRUSTED_HOP(expected=expected, presented="none", detail=detail)

    def __repr__(self) -> str:
        return f"HopSecret({self.header!r}, ...)"


def _is_long(value: object) -> bool:
    """Whether it is as long as a secret: where a header should be, it is probably one."""
    return isinstance(value, str) and len(value) >= _SHORTEST


class HopCertificate:
    """A client certificate that the hop itself presents to this server, which must end TLS for that and show it.

    Args:
        anchors: who may have issued it.
        uris: the URIs of which it must have one, octet by octet; SPIFFE ids, say.
        dns: likewise DNS names.
        fingerprints: likewise the SHA-256 of the certificate, hexadecimal, colons allowed.
        rules: what its path has to keep to.

    Raises:
        ConfigError: nothing is pinned, so that any certificate of these authorities would do.
    """

    __slots__ = ("_anchors", "_dns", "_fingerprints", "_paths", "_rules", "_uris")

    def __init__(
        self,
        anchors: Anchors,
        *,
        uris: str | Collection[str] = (),
        dns: str | Collection[str] = (),
        fingerprints: str | Collection[str] = (),
        rules: ChainRules = CLIENT,
    ) -> None:
        if not isinstance(anchors, Anchors):
            raise ConfigError(f"anchors is {type(anchors).__name__}; write Anchors(certificate, ...)")
        if not (uris or dns or fingerprints):
            raise ConfigError("HopCertificate pins nothing; write uris=, dns= or fingerprints= of the hop")
        self._anchors = anchors
        self._uris = frozenset(texts("uris", uris)) if uris else frozenset[str]()
        self._dns = frozenset(texts("dns", dns)) if dns else frozenset[str]()
        pins = texts("fingerprints", fingerprints) if fingerprints else ()
        self._fingerprints = frozenset(pin.replace(":", "").lower() for pin in pins)
        for pin in self._fingerprints:
            if not _PIN.fullmatch(pin):
                raise ConfigError(f"fingerprints: {pin!r}: write the SHA-256 as 64 hexadecimal digits")
        self._rules = rules
        self._paths = PathCache(_PATHS)

    def refusal(self, connection: Connection, now: float, hop: str) -> Reason | None:
        """Why the other side of `connection` is not the hop."""
        if not connection.chain:
            shown = "none" if connection.shown else f"{connection.server} does not show it"
            return UNTRUSTED_HOP(expected=f"the certificate of {hop} itself", presented=shown)
        read = self._paths.read(connection.chain)
        if isinstance(read, Reason):
            return UNTRUSTED_HOP(expected=f"the certificate of {hop} itself", presented=str(read))
        leaf = read[0]
        if not self._pins(leaf):
            return UNTRUSTED_HOP(expected=f"the certificate of {hop} itself", presented=leaf.label)
        if self._paths.find(connection.chain, self._anchors, now) is None:
            path = build_path(leaf, read[1:], self._anchors, now, self._rules)
            if isinstance(path, Reason):
                return UNTRUSTED_HOP(expected=f"the certificate of {hop} itself", presented=str(path))
            self._paths.keep(connection.chain, read, self._anchors, path)
        return None

    def names(self, connection: Connection) -> bool:
        """Whether what the other side of `connection` presented has what is pinned, whoever issued it."""
        read = self._paths.read(connection.chain) if connection.chain else None
        return isinstance(read, tuple) and self._pins(read[0])

    def _pins(self, leaf: Certificate) -> bool:
        return (
            not self._uris.isdisjoint(leaf.names.uris)
            or not self._dns.isdisjoint(leaf.names.dns)
            or leaf.fingerprint in self._fingerprints
        )

    def __repr__(self) -> str:
        pins = sorted(self._uris | self._dns | self._fingerprints)
        return f"HopCertificate({', '.join(pins)})"


class Hop:
    """A proxy that ends TLS and passes on its client's certificate. It is believed only where all of this holds.

    Args:
        name: what it is called, in evidence and reasons.
        format: how it passes the certificate on: `nginx()`, `xfcc("spiffe://prod/ingress")`, `rfc9440()`, ...
        addresses: the addresses and networks that it connects from.
        broad: those among `addresses` that are meant to be so wide, or to be this machine itself: shorter than /24
            (IPv4) or /64 (IPv6), or loopback. Whatever has such an address can speak for every client, unless the hop
            has to show a secret or a certificate.
        unix_socket: whether it connects over a Unix socket, where there is no address. It must show a secret or a
            certificate then, too: servers have no address to tell either of a TCP connection that was reset at once.
        secret: what it must send with every request.
        certificate: what it must present itself in the TLS handshake with this server.
        unread: further headers that it sets or removes with every request and that tell of the client's certificate;
            they are not read, and do no harm.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = (
        "addresses",
        "certificate",
        "expects",
        "format",
        "name",
        "secret",
        "unix_socket",
    )

    def __init__(
        self,
        name: str,
        format: Format,  # noqa: A002 - the word for it
        *,
        addresses: str | Collection[str] = (),
        broad: str | Collection[str] = (),
        unix_socket: bool = False,
        secret: HopSecret | None = None,
        certificate: HopCertificate | None = None,
        unread: str | Collection[str] = (),
    ) -> None:
        if not (isinstance(name, str) and 0 < len(name) <= 64 and name.isprintable()):
            raise ConfigError(f"name={name!r}: write what the hop is called, such as 'ingress'")
        if not isinstance(format, Format):
            seen = f"the function {format.__name__}" if callable(format) else repr(format)
            raise ConfigError(f"Hop({name!r}): format is {seen}; write how it passes certificates on, such as nginx()")
        if not addresses and not unix_socket:
            raise ConfigError(f"Hop({name!r}) is nowhere; write addresses=['10.1.2.3'], or unix_socket=True")
        if unix_socket and secret is None and certificate is None:
            raise ConfigError(
                f"Hop({name!r}): unix_socket=True is no proof by itself, since a server that listens on TCP as well "
                "may lose the address of a client; add secret=HopSecret('x-hop-secret', ...)"
            )
        if secret is not None and not isinstance(secret, HopSecret):
            raise ConfigError(f"Hop({name!r}): write secret=HopSecret('x-hop-secret', ...)")
        if certificate is not None and not isinstance(certificate, HopCertificate):
            raise ConfigError(f"Hop({name!r}): write certificate=HopCertificate(anchors, uris=...)")
        self.name: str = name
        self.format: Format = format
        meant = texts("broad", broad) if broad else ()
        given = texts("addresses", addresses) if addresses else ()
        self.addresses: tuple[Network, ...] = read_networks("addresses", "hops", given, meant)
        self.unix_socket: bool = unix_socket
        self.secret: HopSecret | None = secret
        self.certificate: HopCertificate | None = certificate
        more = tuple(check_header("unread", header) for header in texts("unread", unread)) if unread else ()
        if unknown := sorted(header for header in more if header.encode() not in KNOWN):
            raise ConfigError(
                f"Hop({name!r}): unread names {', '.join(unknown)}, which tells of no client certificate and is not "
                "looked at; leave it out, or correct the name"
            )
        if twice := set(more).intersection(format.reads):
            raise ConfigError(f"Hop({name!r}): unread names {', '.join(sorted(twice))}, which {format!r} reads")
        if secret is not None and secret.header in (*format.reads, *format.beside, *more):
            raise ConfigError(f"Hop({name!r}): the secret's header {secret.header} is one of {format!r}")
        self.expects: frozenset[str] = frozenset(
            (*format.reads, *format.beside, *more, *((secret.header,) if secret else ()))
        )

    def refusal(self, found: Mapping[bytes, bytes], connection: Connection, now: float) -> Reason | None:
        """Why what came from one of its addresses does not come from it."""
        if self.secret is not None and (refused := self.secret.refusal(found, self.name)) is not None:
            return refused
        return None if self.certificate is None else self.certificate.refusal(connection, now, self.name)

    def __repr__(self) -> str:
        return f"Hop({self.name!r}, {self.format!r})"
