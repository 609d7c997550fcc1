"""What went wrong with a Redis, as a reason. What a server says is recognised, never repeated."""

from __future__ import annotations

import re
from typing import Final

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Kind, Reason
from zerotrust.stores.redis.links import (
    ConnectionLost,
    RedisError,
    RedisTimeout,
    ResponseError,
)

_NOT_PERMITTED: Final = "the user lacks a permission, see `zerotrust.stores.redis` for those that are needed"

# The first word of an error, or the one that a script's error wraps, and what it means for an ask.
_KNOWN: Final[dict[str, tuple[Kind, str]]] = {
    "OOM": (SOURCE_REFUSED, "the server's memory is full; raise maxmemory, nothing is evicted to make room"),
    "MISCONF": (SOURCE_REFUSED, "the server cannot write its disk and takes no writes"),
    "READONLY": (SOURCE_REFUSED, "a replica takes no writes; give the address of the master, or of its Sentinels"),
    "NOREPLICAS": (SOURCE_REFUSED, "too few replicas are in step with the server, and it takes no writes"),
    "NOAUTH": (SOURCE_REFUSED, "the server wants a password"),
    "WRONGPASS": (SOURCE_REFUSED, "the server does not accept user and password"),
    "NOPERM": (SOURCE_REFUSED, _NOT_PERMITTED),
    "WRONGTYPE": (SOURCE_REFUSED, "something else is kept under a name of ours; give the store a namespace of its own"),
    "DENIED": (SOURCE_REFUSED, "the server is in protected mode; it wants a password and an address to listen on"),
    "MOVED": (SOURCE_REFUSED, "a node of a cluster; write redis+cluster:// in place of redis://"),
    "LOADING": (SOURCE_DOWN, "the server is reading its data"),
    "MASTERDOWN": (SOURCE_DOWN, "the server has lost its master"),
    "CLUSTERDOWN": (SOURCE_DOWN, "the cluster does not serve this part of its keys"),
    "TRYAGAIN": (SOURCE_DOWN, "the cluster is moving this part of its keys"),
    "BUSY": (SOURCE_DOWN, "the server is busy with somebody's script"),
    "UNBLOCKED": (SOURCE_DOWN, "the server is failing over"),
    "ACL failure in script": (SOURCE_REFUSED, _NOT_PERMITTED),
    "The user executing the script": (SOURCE_REFUSED, _NOT_PERMITTED),
    "max number of clients reached": (SOURCE_DOWN, "the server takes no more connections"),
}
# redis-py takes the first word off the errors it knows, and gives them classes.
_CLASSES: Final = {
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "NoPermissionError": "NOPERM",
    "AuthenticationError": "WRONGPASS",
    "AuthenticationWrongNumberOfArgsError": "WRONGPASS",
    "AuthorizationError": "NOPERM",
    "BusyLoadingError": "LOADING",
    "MasterDownError": "MASTERDOWN",
    "ClusterDownError": "CLUSTERDOWN",
    "TryAgainError": "TRYAGAIN",
    "MovedError": "MOVED",
    "AskError": "MOVED",
}
_WORD: Final = re.compile(rf"(?:^|[\s:-])({'|'.join(_KNOWN)})\b")


def why(trouble: BaseException) -> Reason | None:
    """The reason for what an exchange raised; None if it is a bug."""
    cause = trouble.__cause__
    if isinstance(cause, SourceFailed):  # redis-py wraps what its own connections raise
        return cause.reason
    if isinstance(trouble, TimeoutError | RedisTimeout):
        return SOURCE_TIMEOUT()
    if isinstance(trouble, ResponseError | ConnectionLost) and type(trouble) is not ConnectionLost:
        return _said(trouble)
    if isinstance(trouble, ConnectionLost | OSError):
        # Our own system's words and the address, unless the server had the last word.
        text = str(trouble)
        return _said(trouble) if _WORD.search(text) else SOURCE_DOWN(detail=text[:200])
    if isinstance(trouble, RedisError):
        return SOURCE_REFUSED(detail="an answer that is not of a Redis")
    return None


def demoted(reply: object) -> bool:
    """Whether a server says that it is a master no more: what else is connected to it is of no use either."""
    return isinstance(reply, ResponseError) and _said(reply) == _READONLY


def _said(trouble: BaseException) -> Reason:
    name = _CLASSES.get(type(trouble).__name__)
    text = str(trouble)
    if name == "WRONGPASS" and text.startswith("Authentication required"):
        name = "NOAUTH"
    if name is None:
        found = _WORD.search(text)
        if found is None:
            kind = SOURCE_DOWN if isinstance(trouble, ConnectionLost) else SOURCE_REFUSED
            return kind(detail="the server answered with an error that is not known here")
        name = found[1]
    kind, sentence = _KNOWN[name]
    return kind(detail=sentence)


_READONLY: Final = _KNOWN["READONLY"][0](detail=_KNOWN["READONLY"][1])
