"""Client certificates by name: keys are read where connections are made, and verifiers know the name alone."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from zerotrust.core.errors import ConfigError

ClientCertificate: TypeAlias = ssl.SSLContext | tuple[str | os.PathLike[str], str | os.PathLike[str]]
"""A context that has loaded a certificate and its key, or the paths of both as PEM files."""

_WRITE: Final = 'write certificates={"payments": ("client.pem", "client.key")}, or an ssl.SSLContext that loaded them'


def verified(tls: object, what: str) -> ssl.SSLContext:
    """`tls` if it verifies servers; else `ConfigError`."""
    if not isinstance(tls, ssl.SSLContext):
        raise ConfigError(f"{what} is {type(tls).__name__}; give an ssl.SSLContext: ssl.create_default_context()")
    if tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname:
        raise ConfigError(f"{what} does not verify the server's certificate and name; use ssl.create_default_context()")
    return tls


def client_contexts(
    certificates: Mapping[str, ClientCertificate] | None, trust: Callable[[], ssl.SSLContext] | None
) -> dict[str, ssl.SSLContext]:
    """What to connect with for each name, checked.

    Args:
        certificates: by name.
        trust: makes a context that trusts the right servers, for certificates that come as files; None if there is
            none to be had, since the application brings its own.

    Raises:
        ConfigError: something is no certificate with its key, or cannot be loaded.
    """
    contexts: dict[str, ssl.SSLContext] = {}
    if certificates is None:
        return contexts
    if not isinstance(certificates, Mapping):
        raise ConfigError(f"certificates is {type(certificates).__name__}; {_WRITE}")
    for name, given in cast("Mapping[object, object]", certificates).items():
        if not (isinstance(name, str) and name):
            raise ConfigError(f"certificates: {name!r} is no name; {_WRITE}")
        what = f"certificates[{name!r}]"
        contexts[name] = given if isinstance(given, ssl.SSLContext) else _loaded(given, what, trust)
        verified(contexts[name], what)
    return contexts


def _loaded(given: object, what: str, trust: Callable[[], ssl.SSLContext] | None) -> ssl.SSLContext:
    kind = type(given).__name__
    files: tuple[object, ...] = cast("tuple[object, ...]", given) if isinstance(given, tuple) else ()
    if len(files) != 2 or not all(isinstance(file, str | os.PathLike) for file in files):
        raise ConfigError(f"{what} is {kind}; {_WRITE}")
    if trust is None:
        raise ConfigError(
            f"{what} are files, but tls= is yours: load them into a context like that one, with load_cert_chain, and "
            "give the context here"
        )
    certificate, key = cast("tuple[str, str]", files)
    context = trust()
    try:
        # With a password at hand, if a wrong one, OpenSSL asks nobody at the terminal for another.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{what}: {certificate} and {key} are not a certificate and its key in PEM, not encrypted "
            f"({type(error).__name__}); for an encrypted key, give a context that has loaded it"
        ) from None
    return context
