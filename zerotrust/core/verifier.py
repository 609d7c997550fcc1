"""What checks one kind of credential, and the questions a policy can ask about what it found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeAlias, TypeVar, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.exhibit import put
from zerotrust.core.expression import function_of, rename_expression
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable
from zerotrust.core.remedy import Action

if TYPE_CHECKING:
    from zerotrust.core.ask import Ask, Gather
    from zerotrust.core.facts import Attribute, Fact
    from zerotrust.core.policy import Leaf
    from zerotrust.core.reason import Reason
    from zerotrust.core.remedy import Step
    from zerotrust.core.request import AccessRequest

E = TypeVar("E", bound=Evidence)

Parameter: TypeAlias = int | bool | tuple[str, ...]
"""How something has to be done: seconds or a count, a flag, texts."""

_ANSWERING: Final = frozenset({"holds", "expression", "facts"})


class Verifier(ABC, Generic[E]):
    """Frozen configuration that checks one kind of credential (SP 800-63 verifier).

    A subclass gives `name`, `find` and `blank`; the rest has defaults that fit most credentials.

    Attributes:
        name: what it is called in explanations; the leaves print as `name.question`.
        cost: where it stands in the order of gathering; cheap ones are asked first (0 reads the request, 10 verifies
            a signature, 100 goes over the network).
        of: the verifier whose subject this one's evidence must be about; gathered first, and required.
        links: further verifiers this one is bound to, e.g. by a proven key.
        contextual: True if its evidence is about the request rather than about somebody; such a verifier may stand
            in a policy beside any other.
        reads_body: True if it asks for the body of the request (`ReadBody`). It is gathered only while the policy may
            still be YES, or for a remedy of factors alone: nobody's body is read who is refused whatever it says.
        keeps_secrets: True if enrolling puts secret values: a door that enrols checks that its store can encrypt.
    """

    name: str
    cost: ClassVar[int] = 10
    contextual: ClassVar[bool] = False
    reads_body: ClassVar[bool] = False
    keeps_secrets: ClassVar[bool] = False
    of: Verifier[Any] | None = None
    links: tuple[Verifier[Any], ...] = ()

    @abstractmethod
    def find(self, request: AccessRequest) -> Finding[E] | Gather[Finding[E]]:
        """Check what the request presents. A verifier that needs the world is a generator of asks."""

    def find_about(self, request: AccessRequest, about: Evidence) -> Finding[E] | Gather[Finding[E]]:
        """`find` for a verifier that is `of` another: `about` is what that one found. Most have no need of it."""
        return self.find(request)

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """The kinds of ask without whose answers it cannot do its work; a door checks that a source answers them."""
        return ()

    @property
    def needs_peer(self) -> bool:
        """Whether it can do nothing where a door does not say who the peer of a connection is."""
        return False

    @property
    def needs_resource(self) -> bool:
        """Whether it can do nothing before a handler names what it is about to work on: `access.check`."""
        return False

    @abstractmethod
    def blank(self, now: float) -> E:
        """Evidence of somebody about whom nothing else is known: what a first-time caller might come back with."""

    def read(self, evidence: E, attribute: Attribute) -> object:
        """What `evidence` says of `attribute`, as plain data for JSON (a set or tuple as a list); None if nothing.

        The default takes the field of that name, and what a mapping in it holds: `claims.dept`.
        """
        value: object = evidence
        for name in attribute.name.split(".", 1):
            value = _named(value, name)
        if isinstance(value, frozenset):
            return sorted(cast("frozenset[str]", value))
        return list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value

    def exhibit(self, values: Mapping[str, object], now: float) -> E:
        """Evidence that says `values`, by attribute name, as `read` gives them, and else nothing in particular.

        The default puts them into the fields of `blank(now)`. What cannot be put there raises `PolicyError`.
        """
        return put(self.blank(now), values, self.name)

    def agrees(self, evidence: E, about: Evidence) -> bool:
        """Whether `evidence` is about the same subject as that of the verifier it is `of`."""
        return evidence.subject == about.subject

    def promised(self, evidence: E, demands: Iterable[tuple[Question[E], bool]], now: float) -> E:
        """`evidence` as it would be once all `demands` are met, questions and the answers wanted.

        By `Question.assume`, one after the other. Override it where that is less work for many at once.
        """
        for question, wanted in demands:
            evidence = question.assume(evidence, wanted, now)
        return evidence

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """What would turn `finding` into verified evidence; None if nothing the caller can do."""
        return Action.RETRY if isinstance(finding, Unavailable) else Action.PRESENT_FACTOR

    def continuing(self, now: float) -> tuple[tuple[bytes, bytes], ...]:
        """Response headers that let the caller go on, whatever was decided: the next `DPoP-Nonce`, say."""
        return ()

    def renewing(self, finding: Finding[E], now: float) -> tuple[tuple[bytes, bytes], ...]:
        """Response headers that keep going what was found, once it has let somebody in: a cookie sealed anew, say."""
        return ()

    def describe(self, step: Step) -> str:
        """One phrase for a person: what `step` asks for."""
        return _described(self.name, step)

    def phrase(self, step: Step) -> str:
        """`describe` in the words of a person, for sentences: no parameters, no names of roles, a verb first.

        Where `describe` has words of its own, the default takes those.
        """
        said = self.describe(step)
        if said != _described(self.name, step):
            return said
        name = self.name.replace("_", " ")
        return {
            Action.RETRY: "try again in a moment",
            Action.PROVE_KEY: "try again with the application you signed in with",
            Action.SIGN_IN: "sign in again" if step.again else "sign in",
            Action.PRESENT_FACTOR: f"use your {name}{' again' if step.again else ''}",
            Action.ENROL: f"set up your {name}",
            Action.FIX_DEVICE: "bring your device up to what is required",
            Action.ASK_ADMINISTRATOR: "ask an administrator for access",
        }[step.action]

    def parameters(
        self, asked: Sequence[Question[E]], evidence: E | None, holds: Callable[[Leaf[E]], bool]
    ) -> dict[str, Parameter]:
        """How a step has to be done for all that is `asked`, by the field's names (`max_age`), for user interfaces.

        Args:
            asked: the questions that must come to YES, or stay it.
            evidence: what is there already, or was before it expired; None if nothing.
            holds: whether the step still lets the caller in if its evidence answers this leaf, too.

        Returns:
            The default takes what the questions say: of numbers the least, of lists all, of flags any.
        """
        found: dict[str, Parameter] = {}
        for question in asked:
            for name, value in question.parameters(evidence).items():
                known = found.get(name, value)
                if isinstance(value, tuple):
                    found[name] = tuple(dict.fromkeys((*cast("tuple[str, ...]", known), *value)))
                elif isinstance(value, bool):
                    found[name] = bool(known) or value
                else:
                    found[name] = min(cast("int", known), value)
        return found

    def __repr__(self) -> str:
        return self.name


def _described(name: str, step: Step) -> str:
    if step.action is Action.RETRY:
        return f"try again ({name} could not be checked)"
    if step.action is Action.ASK_ADMINISTRATOR:
        wanted = ", ".join(f"{'' if demand.wanted else 'not '}{demand.leaf.question}" for demand in step.demands)
        return f"ask an administrator for {wanted or name}"
    return f"{step.action.name.lower().replace('_', ' ')} {name}"


def _named(holder: object, name: str) -> object:
    """What `holder`, a mapping or an object, has under this name; None if a mapping has nothing."""
    if isinstance(holder, Mapping):
        return cast("Mapping[str, object]", holder).get(name)
    found: object = getattr(holder, name)
    return found


class Question(Generic[E]):
    """What a leaf asks of one verifier's evidence: frozen data with equality that prints as it was written.

    A subclass says what it asks in one of two ways: as an `expression`, or by overriding `holds`.

    Attributes:
        expression: the answer as one Python expression over `e` (the evidence), `now` (POSIX seconds) and `q` (the
            question itself). A compiled policy takes it in as it stands, which spares a call per leaf.
        opaque: marks the escape hatch, a user's predicate: it may raise, is called at most once in a decision, and
            nothing can be promised about it. Every other question is pure, and total over evidence of its type.
        looked_up: whether decisions may rely on `facts`: among many alternatives that permit those are then passed over
            whose facts the evidence contradicts. So facts that are wrong may refuse; what forbids is always asked by
            its own answer. Set it where a test holds the facts to the answers (`zerotrust.testing.check_facts`);
            without it, facts are for analysis alone. A subclass that answers or states otherwise, or has answers and
            facts from two parents, has to set it anew.
    """

    __slots__ = ()

    @property
    def infix(self) -> bool:
        """Whether it is written as a comparison, which stands in parentheses beside an operator."""
        return False

    expression: ClassVar[str] = ""
    opaque: ClassVar[bool] = False
    looked_up: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        vouching: type = next(base for base in cls.__mro__ if "looked_up" in vars(base))
        # Whoever said so compared its own answers with its own facts. Of two parents, one may bring either.
        if vouching is not cls and any(getattr(cls, name) is not getattr(vouching, name, None) for name in _ANSWERING):
            cls.looked_up = False
        if not isinstance(cls.expression, str):
            raise PolicyError(f"{cls.__name__}.expression is text shared by all, so declare it a ClassVar[str]")
        if cls.expression:
            rename_expression(cls.expression, "e", "q")  # a mistake shows where the class is written

    def holds(self, evidence: E, now: float) -> bool | Reason:
        """The answer on verified evidence at the moment `now` (POSIX seconds).

        Where the evidence says nothing either way (a claim is missing), the answer is the reason, and the leaf is
        UNKNOWN: a NO would become a YES under `~`, and a forbidding rule without its input must not let anybody in.
        """
        return function_of(type(self).expression)(self, evidence, now)

    def until(self, evidence: E, now: float) -> float:
        """The moment from which the answer given at `now` may change, though the evidence does not."""
        return float("inf")

    def saw(self, evidence: E, now: float) -> str:
        """What the answer was drawn from, for the explanation; never a secret."""
        return f"{evidence.source}: {evidence.subject}"

    def action(self, evidence: E, wanted: bool) -> Action | None:
        """What the caller could do to have the other answer, `wanted`; None if nothing."""
        return None

    def assume(self, evidence: E, wanted: bool, now: float) -> E:
        """`evidence` as it would be after that was done. Needed where `action` or a blank start promises something.

        Change no more than the answer needs: what other questions were promised is in `evidence` already.
        """
        return evidence

    @property
    def phishing_resistant(self) -> bool:
        """Whether a YES proves that the caller used a factor that an impostor's site could not have relayed.

        SP 800-63B-4 section 3.2.5. False where it may, and where that cannot be said.
        """
        return False

    def parameters(self, evidence: E | None) -> Mapping[str, Parameter]:
        """What to ask for so that the answer is yes, by the field's names: `{"max_age": 300}`; empty if no name fits.

        Args:
            evidence: what is there already; None if nothing.
        """
        return {}

    def facts(self) -> Fact | None:
        """What the answer depends on, for those who reason about policies; None if that cannot be said.

        Where it is said it is said exactly: on evidence that `Verifier.exhibit` makes of attributes the answer is the
        value of this fact.
        """
        return None

    def arguments(self) -> Mapping[str, object]:
        """What the verifier's leaf is called with to ask this, by parameter; spans in seconds.

        The leaf is the one named by what stands before the parenthesis in `str(question)`. The default takes the
        fields; what no parameter of the leaf is named after does not count.
        """
        if is_dataclass(self):
            return {field.name: getattr(self, field.name) for field in fields(self) if field.init}
        names: tuple[str, ...] = getattr(self, "__match_args__", ())  # of a class of attrs
        return {name: getattr(self, name) for name in names}

    def leaf(self, verifier: Verifier[E]) -> Leaf[E]:
        """This question put to `verifier`, as a policy."""
        from zerotrust.core.policy import Leaf

        return Leaf(verifier, self)
