"""What has to hold behind every proxy, in each of its modes. `test_<proxy>.py` holds one class for each of them."""

from __future__ import annotations

from secrets import token_hex
from typing import ClassVar

import pytest

from tests.e2e.proxies.guarded import Guarded
from tests.e2e.proxies.pki import ADA, BEA
from tests.e2e.proxies.setup import ALL, MODES, Example, Mode
from tests.e2e.proxies.world import Answer

every_mode = pytest.mark.parametrize("mode", MODES)
with_nobody = pytest.mark.parametrize("mode", ["optional", "any"])

# What other proxies, and other formats of the same, would call it.
STRAYS = (
    "Client-Cert", "Client-Cert-Chain", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert", "X-ARR-ClientCert",
    "X-Amzn-Mtls-Clientcert", "X-Forwarded-Tls-Client-Cert", "l5d-client-id", "SSL-Client-Cert",
)  # fmt: skip


def underscored(header: str) -> tuple[str, ...]:
    """The header with one underscore, and with nothing else."""
    first, rest = header.split("-", 1)
    return (f"{first}_{rest}", header.replace("-", "_"), header.replace("-", "_").upper())


class BehindAProxy:
    """The tests; a subclass says which proxy."""

    example: ClassVar[Example]
    refuses_expired: ClassVar[bool] = False
    """Whether it refuses expired certificates even where it takes any."""

    passes_underscores: ClassVar[bool] = False
    """Whether headers with underscores get as far as the application."""

    def forged(self, world: Guarded) -> list[tuple[str, str]]:
        """What the proxy would say of ada: her certificate is no secret."""
        return self.example.says(world.pki.ada)

    # --- Who comes in ------------------------------------------------------------------------------------------------

    @every_mode
    def test_a_good_certificate(self, world: Guarded, mode: Mode) -> None:
        answer = world.ask(mode, world.pki.ada)
        assert let_in(answer, ADA, world)
        assert answer.body["fingerprint"] == world.pki.ada.fingerprint
        assert answer.body["asserted_by"] is None

    @every_mode
    def test_a_good_certificate_from_an_authority_below(self, world: Guarded, mode: Mode) -> None:
        assert let_in(world.ask(mode, world.pki.bea), BEA, world)

    # --- And who does not --------------------------------------------------------------------------------------------

    def test_no_certificate_where_one_is_required(self, world: Guarded) -> None:
        assert turned_away(world.ask("required"))

    @with_nobody
    def test_no_certificate(self, world: Guarded, mode: Mode) -> None:
        answer = world.ask(mode)
        assert refused(answer) == "not_presented"
        assert answer.values(self.example.header) == []

    @pytest.mark.parametrize("mode", ["required", "optional"])
    @pytest.mark.parametrize("whose", ["selfsigned", "stranger", "expired"])
    def test_a_wrong_certificate_ends_at_the_proxy(self, world: Guarded, mode: Mode, whose: str) -> None:
        assert turned_away(world.ask(mode, getattr(world.pki, whose)))

    @pytest.mark.parametrize(("whose", "why"), [("selfsigned", "untrusted_chain"), ("stranger", "chain_signature")])
    def test_a_wrong_certificate_that_the_proxy_lets_pass(self, world: Guarded, whose: str, why: str) -> None:
        answer = world.ask("any", getattr(world.pki, whose))
        assert answer.values(self.example.header)
        assert refused(answer) == why

    def test_an_expired_certificate_where_any_passes(self, world: Guarded) -> None:
        answer = world.ask("any", world.pki.expired)
        if self.refuses_expired:
            assert turned_away(answer)
        else:
            assert refused(answer) == "certificate_expired"

    @every_mode
    def test_a_revoked_certificate(self, world: Guarded, mode: Mode) -> None:
        answer = world.ask(mode, world.pki.revoked)
        assert answer.values(self.example.header)  # the proxy has no revocation list
        assert refused(answer) == "certificate_revoked"

    # --- Clients that send the header themselves ---------------------------------------------------------------------

    def test_a_forged_header_where_a_certificate_is_required(self, world: Guarded) -> None:
        assert turned_away(world.ask("required", headers=self.forged(world)))

    @with_nobody
    def test_a_forged_header_without_a_certificate(self, world: Guarded, mode: Mode) -> None:
        answer = world.ask(mode, headers=self.forged(world))
        assert answer.values(self.example.header) == []
        assert refused(answer) == "not_presented"

    @every_mode
    def test_a_forged_header_beside_a_certificate(self, world: Guarded, mode: Mode) -> None:
        assert let_in(world.ask(mode, world.pki.bea, self.forged(world)), BEA, world)

    def test_a_forged_header_beside_a_wrong_certificate(self, world: Guarded) -> None:
        answer = world.ask("any", world.pki.stranger, self.forged(world))
        assert refused(answer) == "chain_signature"

    @every_mode
    def test_two_forged_headers(self, world: Guarded, mode: Mode) -> None:
        assert let_in(world.ask(mode, world.pki.bea, self.forged(world) * 2), BEA, world)

    @with_nobody
    def test_two_forged_headers_without_a_certificate(self, world: Guarded, mode: Mode) -> None:
        assert refused(world.ask(mode, headers=self.forged(world) * 2)) == "not_presented"

    @with_nobody
    def test_underscores(self, world: Guarded, mode: Mode) -> None:
        value = self.example.value(world.pki.ada)
        for spelling in underscored(self.example.header):
            answer = world.ask(mode, headers=[(spelling, value)])
            assert bool(answer.values(spelling)) <= self.passes_underscores
            if answer.values(spelling):
                assert refused(answer) == "stray_header"
            elif answer.arrived is None:
                assert answer.status == 400
            else:
                assert refused(answer) == "not_presented"

    @every_mode
    def test_underscores_beside_a_certificate(self, world: Guarded, mode: Mode) -> None:
        value = self.example.value(world.pki.ada)
        for spelling in underscored(self.example.header):
            answer = world.ask(mode, world.pki.bea, [(spelling, value)])
            assert bool(answer.values(spelling)) <= self.passes_underscores
            if answer.values(spelling):
                assert refused(answer) == "stray_header"
            elif answer.arrived is None:
                assert answer.status == 400
            else:
                assert let_in(answer, BEA, world)

    @pytest.mark.parametrize("whose", ["ada", None])
    def test_what_other_proxies_would_say(self, world: Guarded, whose: str | None) -> None:
        values = {example.header: example.value(world.pki.ada) for example in ALL}
        identity = None if whose is None else getattr(world.pki, whose)
        for stray in STRAYS:
            answer = world.ask("optional", identity, [(stray, values.get(stray, "x"))])
            if stray != self.example.header and answer.values(stray):
                assert refused(answer) == "stray_header", stray
            elif whose is None:
                assert refused(answer) == "not_presented", stray
            else:
                assert let_in(answer, ADA, world)

    # --- Places that forgot ------------------------------------------------------------------------------------------

    @every_mode
    def test_a_place_that_forgot_the_directives(self, world: Guarded, mode: Mode) -> None:
        """What the client says gets through as if the proxy had said it, without the secret that stands beside."""
        answer = world.ask(mode, world.pki.bea, self.forged(world), forgetful=True)
        assert answer.values(self.example.header) == [self.example.value(world.pki.ada)]
        assert refused(answer) == "untrusted_hop"

    @with_nobody
    def test_a_place_that_forgot_the_directives_and_a_guess(self, world: Guarded, mode: Mode) -> None:
        for guess in ("", "x", token_hex(32), world.secret[:-1], world.secret + "0"):
            headers = [*self.forged(world), ("X-Hop-Secret", guess)]
            assert refused(world.ask(mode, headers=headers, forgetful=True)) == "untrusted_hop"

    @every_mode
    def test_a_secret_of_the_client_is_overwritten(self, world: Guarded, mode: Mode) -> None:
        answer = world.ask(mode, world.pki.bea, [("X-Hop-Secret", "guess"), ("X-Hop-Secret", "guess")])
        assert answer.values("X-Hop-Secret") == [world.secret]
        assert let_in(answer, BEA, world)

    # --- Past the proxy ----------------------------------------------------------------------------------------------

    def test_past_the_proxy(self, world: Guarded) -> None:
        assert refused(world.bypass(self.forged(world))) == "untrusted_hop"
        assert refused(world.bypass([*self.forged(world), ("X-Hop-Secret", token_hex(32))])) == "untrusted_hop"

    def test_past_the_proxy_with_its_secret(self, world: Guarded) -> None:
        """A secret that leaked is not enough: the address has to be the proxy's, too."""
        headers = [*self.forged(world), ("X-Hop-Secret", world.secret)]
        assert let_in(world.bypass(headers), ADA, world)  # the control: on loopback anybody has that address
        assert refused(world.bypass(headers, source="127.0.0.2")) == "untrusted_hop"

    def test_past_the_proxy_twice(self, world: Guarded) -> None:
        secret = ("X-Hop-Secret", world.secret)
        assert refused(world.bypass([*self.forged(world) * 2, secret])) == "duplicate_header"

    # --- Tokens of the certificate's holder --------------------------------------------------------------------------

    @every_mode
    def test_a_token_bound_to_the_certificate(self, world: Guarded, mode: Mode) -> None:
        """RFC 8705 section 3."""
        held = [("Authorization", f"Bearer {world.token(world.pki.ada)}")]
        answer = world.ask(mode, world.pki.ada, held, path="/account")
        assert answer.status == 200, answer.text
        assert answer.body == {"subject": "ada"}
        assert refused(world.ask(mode, world.pki.bea, held, path="/account")) == "key_mismatch"
        stolen = world.ask(mode, world.pki.bea, [*held, *self.forged(world)], path="/account")
        assert refused(stolen) == "key_mismatch"

    def test_a_token_bound_to_a_certificate_that_nobody_issued(self, world: Guarded) -> None:
        """RFC 8705 section 2.2: the key counts, whoever vouches for it or not."""
        held = [("Authorization", f"Bearer {world.token(world.pki.selfsigned)}")]
        assert world.ask("any", world.pki.selfsigned, held, path="/account").status == 200
        assert refused(world.ask("any", world.pki.stranger, held, path="/account")) == "key_mismatch"

    @with_nobody
    def test_a_token_bound_to_a_certificate_that_does_not_come(self, world: Guarded, mode: Mode) -> None:
        held = [("Authorization", f"Bearer {world.token(world.pki.ada)}")]
        assert refused(world.ask(mode, None, held, path="/account")) == "proof_required"
        assert refused(world.ask(mode, None, [*held, *self.forged(world)], path="/account")) == "proof_required"
        forgotten = world.ask(mode, None, [*held, *self.forged(world)], path="/account", forgetful=True)
        assert refused(forgotten) == "untrusted_hop"


def let_in(answer: Answer, spiffe_id: str, world: Guarded) -> bool:
    """Whether the application let it in as `spiffe_id`, on the word of this very hop."""
    assert answer.status == 200, answer.text
    assert answer.body["id"] == spiffe_id
    assert answer.body["hop"] == world.example.name
    return True


def refused(answer: Answer) -> str:
    """Why the application, and nobody before it, refused."""
    assert answer.arrived is not None, f"it did not get as far: {answer.text}"
    assert answer.status in (400, 401, 403), answer.text
    return str(answer.body["code"])


def turned_away(answer: Answer) -> bool:
    """Whether the proxy refused: in the handshake, or, as nginx does, with an answer of its own."""
    assert answer.arrived is None, answer.arrived
    assert answer.status in (None, 400), answer.text
    return True
