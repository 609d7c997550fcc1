"""GitHub Actions in a test: the tokens of its jobs, and some that only look so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, listed, sign
from zerotrust.wire.json import JsonValue

REPOSITORY: Final = "octo-org/octo-repo"
REPOSITORY_ID: Final = "456789"
OWNER_ID: Final = "123456"


class FakeGitHubActions:
    """Stands for GitHub's issuer: `github_actions(owner_id=123456, keys=fake.jwks())` believes what it signs.

    Args:
        url: the issuer.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(
        self, url: str = "https://token.actions.githubusercontent.com", *, clock: Callable[[], float] | None = None
    ) -> None:
        self.issuer: LocalIssuer = LocalIssuer(url, clock=clock, algorithms=("RS256", "ES256"))

    def jwks(self) -> dict[str, JsonValue]:
        """The answer of `/.well-known/jwks`."""
        return self.issuer.jwks()

    def mint(
        self,
        *,
        audience: str | list[str] = "https://deploy.example.com",
        repository: str = REPOSITORY,
        repository_id: str = REPOSITORY_ID,
        owner_id: str = OWNER_ID,
        event_name: str = "push",
        ref: str = "refs/heads/main",
        environment: str | None = None,
        immutable: bool = True,
        lifetime: timedelta = timedelta(minutes=5),
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """The token of a job.

        Args:
            audience: what the job asked for.
            repository: `owner/name`.
            repository_id: its number, which stays when it is renamed.
            owner_id: its owner's number.
            event_name: what started the workflow.
            ref: the branch or tag.
            environment: the job's environment, if it has one.
            immutable: whether `sub` has the numbers, too, as those of repositories made since July 2026 do.
            lifetime: from `iat` to `exp`.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; RS256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        owner, _, name = repository.partition("/")
        repo = f"{owner}@{owner_id}/{name}@{repository_id}" if immutable else repository
        where = f"environment:{environment}" if environment else f"ref:{ref}"
        workflow = f"{repository}/.github/workflows/deploy.yml@{ref}"
        good: Shape = {
            "iss": self.issuer.url,
            "sub": f"repo:{repo}:{'pull_request' if event_name == 'pull_request' else where}",
            "aud": listed(audience),
            "jti": "1e410ab1-302e-4e33-8c5f-869a4bd12c3b",
            **life(self.issuer, lifetime),
            "nbf": int(self.issuer.clock()) - 300,
            "actor": "octocat",
            "actor_id": "12",
            "base_ref": "",
            "environment": environment or OMIT,
            "event_name": event_name,
            "head_ref": "",
            "job_workflow_ref": workflow,
            "job_workflow_sha": "b8962f4eaff8e14fc646cb22c596c81e67d71362",
            "ref": ref,
            "ref_protected": "true",
            "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
            "repository": repository,
            "repository_id": repository_id,
            "repository_owner": owner,
            "repository_owner_id": owner_id,
            "repository_visibility": "private",
            "run_attempt": "1",
            "run_id": "32291736541",
            "run_number": "10",
            "runner_environment": "github-hosted",
            "sha": "b8962f4eaff8e14fc646cb22c596c81e67d71362",
            "workflow": "deploy",
            "workflow_ref": workflow,
            "workflow_sha": "b8962f4eaff8e14fc646cb22c596c81e67d71362",
        }
        x5t = {"x5t": "eBZ_cn3sXYAd0ch4THBKHIgOwOE"}
        return sign(self.issuer, {**good, **claims}, {**x5t, **(header or {})}, typ="JWT", alg=alg)

    def mint_stranger(self) -> str:
        """A good token of somebody else's repository, who asked for this very audience."""
        return self.mint(repository="mallory/octo-repo", repository_id="1", owner_id="2")

    def mint_squatter(self) -> str:
        """A good token of whoever took the organization's name after it was given up: the names fit, the ids do not."""
        return self.mint(repository_id="999991", owner_id="999990")
