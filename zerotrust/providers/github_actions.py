"""GitHub Actions: the OpenID Connect tokens of workflow jobs.

After GitHub's reference of its OpenID Connect tokens. That they live some minutes is from its examples, so the longest
life is a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Final, TypeAlias

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM, WRONG_CLAIM_TYPE, Reason
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Dialect, Profile
from zerotrust.verifiers.token import texts
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue

EVENTS: Final = frozenset(
    {
        "create", "delete", "deployment", "merge_group", "push", "release", "repository_dispatch", "schedule",
        "workflow_dispatch",
    }
)  # fmt: skip
"""What starts a workflow and takes somebody who may write to the repository."""

_URL: Final = "https://token.actions.githubusercontent.com"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_REPOSITORY: Final = re.compile(rf"{_NAME.pattern}/[A-Za-z0-9._-]{{1,100}}")
_ID: Final = re.compile(r"[1-9][0-9]{0,19}")
_MINUTES: Final = timedelta(minutes=15)

# The claims by which the repository is known: names may be given up and taken by somebody else, ids never.
_TOLD: Final = ("repository", "repository_id", "repository_owner", "repository_owner_id", "event_name")

Names: TypeAlias = str | Collection[str]
Ids: TypeAlias = int | str | Collection[int | str]


def github_actions(
    *,
    audience: Audience = None,
    owner: Names | None = None,
    owner_id: Ids | None = None,
    repository: Names | None = None,
    repository_id: Ids | None = None,
    events: Collection[str] = EVENTS,
    enterprise: str | None = None,
    url: str = _URL,
    max_lifetime: timedelta = _MINUTES,
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    metadata: str | None = None,
) -> Issuer:
    """Tokens of workflow jobs: `Bearer(github_actions(owner_id=123456), audience="https://deploy.example.com")`.

    Every repository on GitHub gets tokens of this one issuer, with any audience it likes. So at least one of the first
    four parameters has to be given; a token must fit each that is. Prefer the ids: who gives up a name (renames an
    organization, deletes a repository) leaves it to whoever takes it next.

    Ask for more by claims: `claim("ref", "refs/heads/main")`, `claim("environment", "production")` and
    `claim("job_workflow_ref", "octo-org/ci/.github/workflows/deploy.yml@refs/heads/main")`. The subject is `sub` as it
    stands; organizations may customise it, so that two repositories may share one.

    Args:
        owner: the organization or user, by name, letter case included. One of several suffices.
        owner_id: the same by its number, which never changes.
        repository: the repository as `owner/name`, letter case included. One of several suffices.
        repository_id: the same by its number, which never changes.
        events: what may have started the workflow; `EVENTS` unless given. Pull requests, comments and issues are not
            among them: people who may not write to the repository start those. Add one as `EVENTS | {"pull_request"}`.
        enterprise: the slug of the enterprise, where it has an issuer of its own (`{url}/<slug>`).
        url: the issuer; `https://token.actions.<subdomain>.ghe.com` with data residency, and
            `https://<host>/_services/token` of a GitHub Enterprise Server.
        max_lifetime: the longest time from `iat` to `exp`.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, where the metadata document is not to be asked.
        metadata: where the metadata document is, if not at `{url}/.well-known/openid-configuration`.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    wanted = {
        claim: believed
        for claim, believed in (
            ("repository_owner_id", _ids("owner_id", owner_id)),
            ("repository_id", _ids("repository_id", repository_id)),
            ("repository_owner", _names("owner", owner, _NAME, "octo-org")),
            ("repository", _names("repository", repository, _REPOSITORY, "octo-org/octo-repo")),
        )
        if believed is not None
    }
    if not wanted:
        raise ConfigError(
            "github_actions() would believe every repository on GitHub: name yours, best by id, as in "
            "github_actions(owner_id=123456); `gh api /orgs/<name> --jq .id` tells it"
        )
    if enterprise is not None:
        if not (isinstance(enterprise, str) and _NAME.fullmatch(enterprise)):
            raise ConfigError(f"enterprise={enterprise!r}: write its slug, such as octocorp")
        url = f"{url.rstrip('/')}/{enterprise}"
    profile = Profile(
        name="GitHub Actions",
        types=frozenset({"JWT"}),
        require=frozenset({"jti"}),
        max_lifetime=span_in_seconds(max_lifetime, "max_lifetime", least=1),
        translate=partial(translate, wanted=wanted, events=frozenset(texts("events", events))),
        dialect=Dialect.NONE,
    )
    return Issuer(
        url,
        audience=audience,
        keys=keys,
        jwks_uri=jwks_uri,
        metadata=metadata,
        algorithms=frozenset({"RS256"}),
        profile=profile,
    )


def translate(
    claims: Claims, *, wanted: Mapping[str, frozenset[str]], events: frozenset[str] = EVENTS
) -> dict[str, JsonValue] | Reason:
    """Whose job it is, and what started it. No claim gets another name.

    Args:
        claims: those of the token.
        wanted: by claim, what it may say; each counts.
        events: what may have started the workflow.

    Returns:
        Nothing to change, or `missing_claim`, `wrong_claim_type` or `wrong_claim`.
    """
    told: dict[str, str] = {}
    for name in _TOLD:
        value = claims.get(name)
        if name not in claims:
            return MISSING_CLAIM(expected=name)
        if not isinstance(value, str) or not value:
            return WRONG_CLAIM_TYPE(expected="text", detail=name)
        told[name] = value
    for name, believed in wanted.items():
        if told[name] not in believed:
            return WRONG_CLAIM(expected=" or ".join(sorted(believed)), presented=shown(told[name]), detail=name)
    if not told["repository"].startswith(told["repository_owner"] + "/"):
        return WRONG_CLAIM(
            expected=f"a repository of {shown(told['repository_owner'])}",
            presented=shown(told["repository"]),
            detail="repository",
        )
    if told["event_name"] not in events:
        return WRONG_CLAIM(
            expected=" or ".join(sorted(events)), presented=shown(told["event_name"]), detail="event_name"
        )
    sub = claims.get("sub")
    if isinstance(sub, str) and sub.startswith("repo:") and sub.split(":")[1] not in _repo(told):
        return WRONG_CLAIM(expected=" or ".join(_repo(told)), presented=shown(sub), detail="sub")
    return {}


def _repo(told: Mapping[str, str]) -> tuple[str, str]:
    """What follows `repo:` in a subject: by names, or with the ids that never change (since July 2026)."""
    owner, _, name = told["repository"].partition("/")
    return told["repository"], f"{owner}@{told['repository_owner_id']}/{name}@{told['repository_id']}"


def _names(what: str, given: object, shape: re.Pattern[str], example: str) -> frozenset[str] | None:
    if given is None:
        return None
    names = texts(what, given)
    for name in names:
        if not shape.fullmatch(name):
            raise ConfigError(f"{what}={name!r}: write it as GitHub shows it, such as {example}")
    return frozenset(names)


def _ids(what: str, given: Ids | None) -> frozenset[str] | None:
    if given is None:
        return None
    listed = [given] if isinstance(given, int | str) else [*given] if isinstance(given, Collection) else []
    ids = frozenset(str(each) for each in listed if type(each) in (int, str))
    if not ids or len(ids) < len(set(map(str, listed))) or not all(map(_ID.fullmatch, ids)):
        raise ConfigError(f"{what}={given!r}: write the number that GitHub's API shows as id, such as 123456")
    return ids
