"""The provider changes its keys while requests run, and goes away while they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.app import payments
from tests.e2e.servers import METADATA, Provider, calling, serving

pytestmark = pytest.mark.e2e

CALLERS = 4


def whoami(api: httpx2.Client, token: str) -> int:
    return api.get("/whoami", headers={"Authorization": f"Bearer {token}"}).status_code


def at_once(api: httpx2.Client, tokens: Sequence[str]) -> list[int]:
    """The status codes of one request for each token, all under way together."""
    with ThreadPoolExecutor(len(tokens)) as pool:
        return list(pool.map(lambda token: whoami(api, token), tokens))


def until(over: Event, request: Callable[[], int]) -> dict[int, int]:
    """How often each status came, of requests without a pause until it is over; one more after that."""
    seen: dict[int, int] = {}
    last = False
    while not last:
        last = over.is_set()
        status = request()
        seen[status] = seen.get(status, 0) + 1
    return seen


def forged(provider: Provider, kid: str) -> str:
    """A token that says all the right things, under a key that the provider has never had."""
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": kid, "typ": "at+jwt"})


def test_a_rush_at_a_cold_start_reads_the_keys_once(provider: Provider) -> None:
    with serving(payments(provider.issuer)) as url, calling(url) as api:
        assert at_once(api, [provider.token() for _ in range(8)]) == [200] * 8
    counts = provider.counts()
    assert (counts[METADATA], counts["/jwks"]) == (1, 1)


def test_keys_rotate_while_requests_run(provider: Provider) -> None:
    with serving(payments(provider.issuer)) as url, calling(url) as api:
        before = provider.token()
        assert whoami(api, before) == 200
        over = Event()
        with ThreadPoolExecutor(2 * CALLERS) as pool:
            steady = [pool.submit(until, over, lambda: whoami(api, before)) for _ in range(CALLERS)]
            # New tokens as they come, so that the first of the new generation meets several callers at once.
            renewing = [pool.submit(until, over, lambda: whoami(api, provider.token())) for _ in range(CALLERS)]
            try:
                provider.rotate()
                after = provider.token()
                assert jwt.get_unverified_header(after)["kid"] != jwt.get_unverified_header(before)["kid"]
                assert at_once(api, [after] * 8) == [200] * 8
                provider.retire()
                assert at_once(api, [before, after] * 4) == [200] * 8
            finally:
                over.set()
            statuses = [task.result() for task in steady + renewing]
        assert [set(seen) for seen in statuses] == [{200}] * (2 * CALLERS)
    assert provider.key_set_reads == 2  # one when the first token came, one when the first unknown kid did


def test_a_retired_key_is_refused_once_the_keys_are_read_again(provider: Provider) -> None:
    with serving(payments(provider.issuer)) as url, calling(url) as api:
        before = provider.token()
        assert whoami(api, before) == 200
        provider.rotate()
        provider.retire()
        assert whoami(api, before) == 200  # by the keys at hand
        assert whoami(api, provider.token()) == 200  # an unknown kid: the keys are read again
        assert whoami(api, before) == 401
    assert provider.key_set_reads == 2


def test_unknown_kids_cause_one_reading_however_many_come(provider: Provider) -> None:
    with serving(payments(provider.issuer)) as url, calling(url) as api:
        good = provider.token()
        assert whoami(api, good) == 200
        assert at_once(api, [forged(provider, f"nobody-{number}") for number in range(16)]) == [401] * 16
        assert [whoami(api, forged(provider, "nobody")) for _ in range(4)] == [401] * 4
        assert whoami(api, good) == 200
    assert provider.key_set_reads == 2


def test_a_known_kid_with_a_strange_signature_causes_no_reading(provider: Provider) -> None:
    with serving(payments(provider.issuer)) as url, calling(url) as api:
        good = provider.token()
        assert whoami(api, good) == 200
        assert whoami(api, forged(provider, jwt.get_unverified_header(good)["kid"])) == 401
    assert provider.key_set_reads == 1


def test_cached_keys_serve_while_the_provider_is_down(own_provider: Provider) -> None:
    with serving(payments(own_provider.issuer)) as url, calling(url) as api:
        one, other, stranger = own_provider.token(), own_provider.token("machine-RS256"), forged(own_provider, "nobody")
        assert whoami(api, one) == 200
        own_provider.stop()
        assert at_once(api, [one, other] * 4) == [200] * 8
        # Whether a newer key set would know it cannot be found out; the one at hand does not.
        assert whoami(api, stranger) == 401
        assert at_once(api, [one, other] * 4) == [200] * 8


def test_without_keys_nobody_is_let_in_and_nobody_is_blamed(own_provider: Provider) -> None:
    token = own_provider.token()
    own_provider.stop()
    with serving(payments(own_provider.issuer)) as url, calling(url) as api:
        answer = api.get("/whoami", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "source_down")
    assert int(answer.headers["retry-after"]) >= 1
    assert "www-authenticate" not in answer.headers
