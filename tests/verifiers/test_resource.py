"""Comparing a resource: what is YES and what is unknown, which fields a class has, what is refused where written."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, NewType, Protocol
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.search import usually
from tests.verifiers.tokens import NOW, bearer, static
from zerotrust.core.decision import Decision
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Verified
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.engine import judge
from zerotrust.testing.facts import check_facts
from zerotrust.verifiers.resource import Resource, verifier_of
from zerotrust.verifiers.resource_questions import Compared, Right
from zerotrust.verifiers.resource_values import Fields, compare
from zerotrust.verifiers.token_evidence import TokenEvidence

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
ID, OTHER_ID = UUID("00000000-0000-4000-8000-00000000000a"), UUID("00000000-0000-4000-8000-00000000000b")

token = bearer()
several = bearer(static("https://b.example"), static("https://c.example"))


class Status(StrEnum):
    DRAFT = "draft"
    PAID = "paid"


@dataclass
class Customer:
    region: str | None = "eu"
    parent: Customer | None = None


@dataclass
class Invoice:
    owner: str | None = "ada"
    approver: str | None = None
    tenant: str = "t1"
    amount: Decimal | int | float = 1000
    count: int = 5
    locked: bool | None = False
    status: Status = Status.DRAFT
    readers: list[str] = field(default_factory=lambda: ["ada", "bob"])
    number: UUID = ID
    customer: Customer | None = field(default_factory=Customer)
    anything: Any = None
    name: str = "n"  # as verifiers have one
    KIND: ClassVar[str] = "invoice"

    @property
    def fails(self) -> str:
        raise LookupError("a secret")


invoice = Resource(Invoice)


def evidence(source: str = token.issuers[0].url, **claims: Any) -> TokenEvidence:
    return TokenEvidence(source, "ada", NOW, NOW + 60, {"sub": "ada", **claims})


def decision(policy: Policy, resource: object, found: TokenEvidence | None = None) -> Decision:
    request = AccessRequest(now=NOW, resource=resource)
    about = evidence() if found is None else found
    findings: dict[Any, Any] = {token: Verified(about), several: Verified(about)}
    for one in policy.program.verifiers:
        findings[one] = one.find_about(request, about)
    return judge(policy, findings, NOW)


def verdict(policy: Policy, resource: object, found: TokenEvidence | None = None) -> Verdict:
    return decision(policy, resource, found).verdict


class Lying(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class Raising:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("never asked")

    __hash__ = None  # type: ignore[assignment]


SUBJECT: Policy = invoice.owner == token.subject
TENANT = invoice.tenant.is_in(token.claim("tenants"))
OWNED: list[tuple[Policy, Invoice, dict[str, Any], Verdict]] = [
    (SUBJECT, Invoice(), {}, YES),
    (SUBJECT, Invoice(owner="bob"), {}, NO),
    (SUBJECT, Invoice(owner="ADA"), {}, NO),
    (SUBJECT, Invoice(owner=None), {}, UNKNOWN),
    (SUBJECT, Invoice(owner=7), {}, UNKNOWN),  # type: ignore[arg-type]
    (SUBJECT, Invoice(owner=Lying("eve")), {}, UNKNOWN),
    (SUBJECT, Invoice(owner=Raising()), {}, UNKNOWN),  # type: ignore[arg-type]
    (token.subject == invoice.owner, Invoice(), {}, YES),
    (invoice.owner != token.subject, Invoice(owner="bob"), {}, YES),
    (invoice.owner != token.subject, Invoice(owner=None), {}, UNKNOWN),
    (TENANT, Invoice(), {"tenants": ["t0", "t1"]}, YES),
    (TENANT, Invoice(), {"tenants": "t1"}, YES),
    (TENANT, Invoice(), {"tenants": "at1b"}, NO),
    (TENANT, Invoice(), {"tenants": []}, NO),
    (TENANT, Invoice(), {"tenants": ["t0", 7]}, UNKNOWN),
    (TENANT, Invoice(), {"tenants": ["t0", None]}, UNKNOWN),
    (TENANT, Invoice(), {"tenants": {"t1": True}}, UNKNOWN),
    (TENANT, Invoice(), {"tenants": None}, UNKNOWN),
    (TENANT, Invoice(), {}, UNKNOWN),
    (invoice.tenant == token.claim("tenant"), Invoice(), {"tenant": "t1"}, YES),
    (invoice.tenant == token.claim("tenant"), Invoice(), {"tenant": ["t1"]}, UNKNOWN),
    (invoice.tenant == token.claim("tenant"), Invoice(tenant=None), {"tenant": None}, UNKNOWN),  # type: ignore[arg-type]
    (invoice.count == token.claim("level"), Invoice(count=1), {"level": True}, UNKNOWN),
    (invoice.count == token.claim("level"), Invoice(count=1), {"level": 1}, YES),
    (invoice.count == token.claim("level"), Invoice(count=1), {"level": "1"}, UNKNOWN),
    (invoice.locked == token.claim("locked"), Invoice(), {"locked": False}, YES),
    (invoice.owner == token.client_id, Invoice(owner="app"), {"client_id": "app"}, YES),
    (invoice.owner == token.client_id, Invoice(owner="app"), {}, UNKNOWN),
    (invoice.readers.has(token.subject), Invoice(), {}, YES),
    (token.subject.is_in(invoice.readers), Invoice(readers=["bob"]), {}, NO),
    (invoice.readers.has(token.subject), Invoice(readers="ada"), {}, UNKNOWN),  # type: ignore[arg-type]
    (invoice.number == token.claim("id"), Invoice(), {"id": str(ID)}, YES),
    (invoice.number == token.claim("id"), Invoice(), {"id": str(OTHER_ID)}, NO),
    (invoice.number == token.claim("id"), Invoice(), {"id": str(ID).upper()}, UNKNOWN),
    (invoice.number == token.claim("id"), Invoice(), {"id": "x"}, UNKNOWN),
    (invoice.fails == token.subject, Invoice(), {}, UNKNOWN),
]


@pytest.mark.parametrize(("policy", "resource", "claims", "expected"), OWNED, ids=range(len(OWNED)))
def test_comparing_with_what_a_token_says(
    policy: Policy, resource: Invoice, claims: dict[str, Any], expected: Verdict
) -> None:
    assert verdict(policy, resource, evidence(**claims)) is expected
    assert verdict(~policy, resource, evidence(**claims)) is {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[expected]


ALONE: list[tuple[Policy, Invoice, Verdict]] = [
    (invoice.amount <= 1000, Invoice(amount=1000), YES),
    (invoice.amount <= 1000, Invoice(amount=Decimal("1000.01")), NO),
    (invoice.amount < 1000, Invoice(amount=999.5), YES),
    (invoice.amount > Decimal("0.1"), Invoice(amount=0.1), YES),  # exactly: a float 0.1 is a little more
    (invoice.amount >= 1000, Invoice(amount=Decimal("NaN")), UNKNOWN),
    (invoice.amount >= 1000, Invoice(amount=Decimal("sNaN")), UNKNOWN),
    (invoice.amount >= 1000, Invoice(amount=float("inf")), UNKNOWN),
    (invoice.amount >= 0, Invoice(amount=True), UNKNOWN),
    (invoice.amount == 1000, Invoice(amount=Decimal("1000.0")), YES),
    (invoice.status == "draft", Invoice(), YES),
    (invoice.status == Status.PAID, Invoice(), NO),
    (invoice.status.is_in(["paid", Status.DRAFT]), Invoice(), YES),
    (invoice.locked.is_true, Invoice(locked=True), YES),
    (invoice.locked.is_true, Invoice(), NO),
    (invoice.locked.is_true, Invoice(locked=None), UNKNOWN),
    (invoice.locked.is_true, Invoice(locked=1), UNKNOWN),  # type: ignore[arg-type]
    (invoice.approver.is_none, Invoice(), YES),
    (invoice.owner.is_none, Invoice(), NO),
    (invoice.owner == invoice.approver, Invoice(approver="ada"), YES),
    (invoice.owner == invoice.approver, Invoice(owner=None, approver=None), UNKNOWN),
    (invoice.customer.region == "eu", Invoice(), YES),
    (invoice.customer.region == "eu", Invoice(customer=None), UNKNOWN),
    (invoice.customer.region.is_none, Invoice(customer=None), YES),
    (invoice.customer.parent.region == "us", Invoice(customer=Customer(parent=Customer("us"))), YES),
    (invoice.name == "n", Invoice(), YES),
    (invoice.number == ID, Invoice(), YES),
    (invoice.anything == "x", Invoice(anything=["x"]), UNKNOWN),
    (invoice.anything.has("x"), Invoice(anything=frozenset({"x"})), YES),
    (invoice.anything.has("x"), Invoice(anything={"x": 1}), UNKNOWN),
    (invoice.anything.has("x"), Invoice(anything=["x", object()]), UNKNOWN),
    (invoice.anything.has("x"), Invoice(anything=["x"] * 20_000), UNKNOWN),
    (invoice.fails.is_none, Invoice(), UNKNOWN),
]


@pytest.mark.parametrize(("policy", "resource", "expected"), ALONE, ids=range(len(ALONE)))
def test_comparing_with_constants_and_itself(policy: Policy, resource: Invoice, expected: Verdict) -> None:
    assert verdict(policy, resource) is expected
    assert verdict(~policy, resource) is {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[expected]


def test_what_a_property_raises_is_told_without_its_message() -> None:
    refused = decision(invoice.fails == token.subject, Invoice())
    assert not refused
    assert refused.reason.code == "predicate_failed"
    assert "LookupError" in str(refused)
    assert "secret" not in str(refused)


def test_a_field_is_read_once() -> None:
    class Counting:
        reads: ClassVar[int] = 0

        @property
        def owner(self) -> str:
            Counting.reads += 1
            return "ada"

    counting: Any = Resource(Counting)
    assert verdict((counting.owner == "ada") & (counting.owner != "bob") & ~counting.owner.is_none, Counting()) is YES
    assert Counting.reads == 1


def test_with_several_issuers_a_subject_is_of_one() -> None:
    policy: Policy = invoice.owner == several.subject.of("https://b.example")
    assert verdict(policy, Invoice(), evidence("https://b.example")) is YES
    for other in (policy, ~policy):
        assert verdict(other, Invoice(), evidence("https://c.example")) is UNKNOWN
    for said in (several.subject, several.client_id):
        with pytest.raises(PolicyError, match=r'write .*\.of\("https://issuer.example.com"\)'):
            invoice.owner == said  # noqa: B015 - it raises
    with pytest.raises(ConfigError, match="can never hold"):
        several.subject.of("https://d.example")


def test_what_python_takes_for_equal_is_not() -> None:
    rights: list[Right] = [True, 1, 1.0, Decimal(1), Decimal("1.0"), 0.0, -0.0, (1,), (True,), (1.0,)]
    assert len({Compared(("amount",), "==", right) for right in rights}) == len(rights)


def test_a_signalling_nan_is_refused_and_a_huge_decimal_is_not() -> None:
    for odd in ("sNaN", "NaN", "-Infinity"):
        with pytest.raises(PolicyError, match="can never hold"):
            _ = invoice.count == Decimal(odd)
    policy = invoice.count < Decimal("1E+400")
    assert verdict(policy, Invoice(owner="ada", count=5)) is Verdict.YES


def test_leaves_are_values_and_print_as_written() -> None:
    policy = SUBJECT & (invoice.amount <= Decimal("9.5")) | TENANT & ~(invoice.status != 'a"b')
    text = (
        "((invoice.owner == token.subject) & (invoice.amount <= Decimal('9.5'))) | "
        '(invoice.tenant.is_in(token.claim("tenants")) & ~(invoice.status != "a\\"b"))'
    )
    assert str(policy) == text
    assert (token.subject == invoice.owner) == SUBJECT
    alone = invoice.amount <= 1000
    assert alone == pickle.loads(pickle.dumps(alone)) == (Resource(Invoice).amount <= 1000)
    assert hash(alone) == hash(pickle.loads(pickle.dumps(alone)))
    assert pickle.loads(pickle.dumps(invoice)) == invoice


# --- Which fields a class has ----------------------------------------------------------------------------------------


@attrs.define
class OfAttrs:
    owner: str
    _private: int = 0


class OfPydantic(BaseModel):
    owner: str
    model_config: ClassVar[Any] = {}


class Slotted:
    __slots__ = ("_hidden", "owner")


class Plain:
    status = "x"

    def __init__(self) -> None:
        self.owner = "ada"

    @property
    def total(self) -> int:
        return 1

    @cached_property
    def parent(self) -> Customer:
        return Customer()

    def method(self) -> str:
        return "no field"


class Column:
    """What SQLAlchemy puts in the place of a mapped attribute."""

    def __get__(self, one: object, kind: object = None) -> object:
        return self if one is None else "ada"


class Mapped:
    owner: Any = Column()


class OfDjango:
    class _meta:
        fields = (type("F", (), {"name": "owner", "attname": "owner_id"})(),)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (OfAttrs, {"owner"}),
        (Slotted, {"owner"}),
        (Plain, {"total", "parent"}),
        (Mapped, {"owner"}),
        (OfDjango, {"owner", "owner_id"}),
        (Customer, {"region", "parent"}),
    ],
)
def test_fields_are_known_from_the_class(kind: type, fields: set[str]) -> None:
    assert set(verifier_of(Resource(kind)).fields) == fields


def test_fields_of_pydantic_are_known() -> None:
    assert "owner" in verifier_of(Resource(OfPydantic)).fields
    assert verdict(Resource(OfPydantic).owner == "ada", OfPydantic(owner="ada")) is YES


def test_what_a_class_does_not_tell_is_written_down() -> None:
    one: Any = Resource(Plain, fields={"owner": str, "inner": {"region"}})
    assert verdict(one.owner == "ada", Plain()) is YES
    assert str(one.inner.region == "x") == 'plain.inner.region == "x"'
    for wrong in ("owner", {"1"}, {"_x"}, 7, {"inner": "x"}):
        if wrong != {"inner": "x"}:
            with pytest.raises(ConfigError, match="fields"):
                Resource(Plain, fields=wrong)  # type: ignore[arg-type]


Id = NewType("Id", str)


@dataclass
class Typed:
    owner: Id
    number: Annotated[int, "n"]
    parts: tuple[str, ...]


class HasOwner(Protocol):
    owner: str


class Colour(Enum):
    RED = (1, 2)


class PurchaseOrder(Typed):
    pass


typed = Resource(Typed)
UNTYPED: Any = Resource  # callers are not all typed
BESIDE: Any = SUBJECT
MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: invoice.ownr, "Invoice has no field 'ownr'; did you mean 'owner'?"),
    (lambda: invoice.customer.regio, "Invoice.customer has no field 'regio'; did you mean 'region'?"),
    (lambda: invoice.method_of_none, "it has amount, anything"),
    (lambda: invoice.KIND, "no field 'KIND'"),
    (lambda: invoice.anything.below, "write them down"),
    (lambda: invoice.owner.length, "has no field"),
    (lambda: Resource(Plain).owner, "fields={'owner': str}"),
    (lambda: invoice.tenant in token.claim("tenants"), 'write x.is_in(token.claim("tenants"))'),
    (lambda: "a" in invoice.readers, "write x.is_in(invoice.readers)"),
    (lambda: "a" in invoice, "compare a field"),
    (lambda: list(token.claim("x")), "write x.is_in"),
    (lambda: not invoice.locked, "instead of `and`, `or` and `not`"),
    (lambda: invoice.owner and SUBJECT, "instead of `and`, `or` and `not`"),
    (lambda: 1 < invoice.amount < 5, "policy has no truth value"),
    (lambda: invoice.owner == None, "write invoice.owner.is_none"),  # noqa: E711 - what is refused
    (lambda: invoice.locked == True, "write invoice.locked.is_true"),  # noqa: E712
    (lambda: invoice.locked == False, "write ~invoice.locked.is_true"),  # noqa: E712
    (lambda: invoice.locked != True, "write ~invoice.locked.is_true"),  # noqa: E712
    (lambda: invoice.count == "5", "can never hold: it is declared int"),
    (lambda: typed.owner == 5, "can never hold: it is declared str"),
    (lambda: typed.number == 1.5, ""),
    (lambda: invoice.number == str(ID), "write UUID("),
    (lambda: invoice.readers == "ada", "write invoice.readers.has('ada')"),
    (lambda: invoice.owner.has("a"), "write invoice.owner == 'a'"),
    (lambda: invoice.tenant.is_in("ab"), "write invoice.tenant.is_in(['ab'])"),
    (lambda: invoice.tenant.is_in([]), "can never hold"),
    (lambda: invoice.tenant.is_in([None]), "is_none"),
    (lambda: invoice.owner < "b", "only numbers have an order here"),
    (lambda: invoice.amount < token.claim("limit"), "compared with a number"),
    (lambda: invoice.amount < invoice.count, "compared with a number"),
    (lambda: invoice.amount < Decimal("NaN"), "can never hold"),
    (lambda: invoice.owner == object(), "object is nothing to compare with"),
    (lambda: invoice.owner == Colour.RED, "nothing to compare with"),
    (lambda: invoice.owner == SUBJECT, "nothing to compare with"),
    (lambda: invoice.owner == typed.owner, "a check names one resource"),
    (lambda: token.subject == "ada", "write token.subject(...)"),
    (lambda: token.claim("a") == token.claim("b"), "one side is a field of a resource"),
    (lambda: invoice.owner & SUBJECT, "wants parentheses"),
    (lambda: BESIDE & invoice.owner, "wants parentheses"),
    (lambda: BESIDE | token.claim("x"), "wants parentheses"),
    (lambda: BESIDE & invoice.owner == token.subject, "wants parentheses"),
    (lambda: BESIDE & invoice, "compare a field of it"),
    (lambda: hash(invoice.owner), "unhashable"),
    (lambda: UNTYPED(Invoice()), "an object of Invoice"),
    (lambda: UNTYPED("Invoice"), "not 'Invoice'"),
    (lambda: Resource(dict), "attributes of a class of your own"),
    (lambda: UNTYPED(HasOwner), "runtime_checkable"),
    (lambda: Resource(Invoice, name="an invoice"), "write an identifier"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_every_mistake_says_what_to_write(write: Callable[[], object], said: str) -> None:
    if not said:
        assert write() is not None
        return
    with pytest.raises((PolicyError, ConfigError, TypeError)) as error:
        write()
    assert said in str(error.value)


def test_a_resource_is_called_as_its_class() -> None:
    assert (repr(invoice), repr(Resource(PurchaseOrder)), repr(Resource(Invoice, name="bill"))) == (
        "invoice", "purchase_order", "bill",
    )  # fmt: skip
    with pytest.raises(AttributeError):
        invoice.owner = "x"
    assert not hasattr(invoice, "_owner")


def test_another_class_is_rejected_and_none_is_absent() -> None:
    class Pretending:
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            return Invoice

        owner = "ada"

    assert verdict(SUBJECT, Pretending()) is UNKNOWN
    assert decision(SUBJECT, Customer()).findings  # it was looked at
    for resource, code in ((Customer(), "wrong_resource"), (Pretending(), "wrong_resource"), (None, "not_presented")):
        refused = decision(SUBJECT, resource)
        assert not refused
        assert refused.reason.code == code


# --- What it depends on ----------------------------------------------------------------------------------------------

SCALARS = st.sampled_from(
    [None, "ada", "", "x", 5, 0, -1, 2.5, 1e300, Decimal("2.5"), Decimal("NaN"), True, ID, ["ada"]]
)
LEAVES: list[Any] = [
    invoice.owner == "ada", invoice.owner != "ada", invoice.owner.is_in(["x", "ada"]), invoice.count >= 5,
    invoice.count < 5, invoice.count == 5, invoice.count != 5, invoice.count > 2.5, invoice.count.is_in([0, 5]),
    invoice.locked.is_true, invoice.approver.is_none, invoice.number == ID, invoice.anything == 5,
    invoice.readers.has("x"),
]  # fmt: skip


def of_type(kind: type) -> Callable[[object], bool]:
    return lambda one: one is None or type(one) is kind


@given(
    SCALARS.filter(of_type(str)), SCALARS.filter(of_type(int)), SCALARS.filter(of_type(bool)), SCALARS,
    st.lists(st.sampled_from(["x", "y"])),
)  # fmt: skip
@usually(80)
def test_facts_say_what_leaves_answer(owner: Any, count: Any, locked: Any, anything: Any, readers: list[str]) -> None:
    one = Invoice(owner=owner, count=count, locked=locked, anything=anything, readers=readers)
    verifier = verifier_of(invoice)
    found = verifier.find(AccessRequest(now=NOW, resource=one)).proven
    assert found is not None
    for leaf in LEAVES:
        check_facts(leaf, found, now=NOW)
    beside = SUBJECT.verifier if isinstance(SUBJECT, Leaf) else verifier
    for leaf in (SUBJECT, invoice.owner != token.subject):
        about: Any = beside.find_about(AccessRequest(now=NOW, resource=one), evidence())
        check_facts(leaf, about.proven, now=NOW)  # type: ignore[arg-type]


@given(SCALARS, SCALARS, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "is_in", "has"]))
def test_comparing_is_total(left: Any, right: Any, sign: Any) -> None:
    read = Fields.saying({("a",): tuple(left) if isinstance(left, list) else left})
    value = read.get(("a",))
    assert not hasattr(value, "kind")
    compare(value, sign, tuple(right) if isinstance(right, list) else right)
