"""The page: text stays text, everything has a label, forms go where the ceremonies are, nothing is inline."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.ceremonies.views import PAGES, SECRET, views
from zerotrust.web.ceremonies.page import page
from zerotrust.web.ceremonies.page_markup import Markup, document, element, safe_address, together
from zerotrust.web.ceremonies.view import PageView, Problem

VOID = {"meta", "link", "input", "path"}
PATHS = {
    "/auth/totp/verify", "/auth/totp/enrol", "/auth/totp/enrol/options", "/auth/hotp/enrol/options",
    "/auth/recovery/verify", "/auth/recovery/regenerate", "/auth/factors/rename", "/auth/factors/remove",
    "/auth/sessions/revoke", "/auth/sign-out",
}  # fmt: skip


@dataclass(frozen=True)
class Tag:
    name: str
    attributes: dict[str, str | None]
    within: tuple[str, ...]


@dataclass
class Read(HTMLParser):
    """A page as a browser takes it: its tags in order, and its text."""

    tags: list[Tag] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.path: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute twice"
        self.tags.append(Tag(tag, dict(attrs), tuple(self.path)))
        if tag not in VOID:
            self.path.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.path.pop() == tag, "elements are not nested"

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag.name, tuple(tag.attributes)) for tag in self.tags]

    def all(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags if tag.name == name]


def read(view: PageView) -> Read:
    found = Read()
    found.feed(page(view))
    found.close()
    assert found.path == []
    return found


hostile = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            '"><script>alert(1)</script>',
            "'><img src=x onerror=alert(1)>",
            "</title></head><body onload=alert(1)>",
            '" autofocus onfocus="alert(1)',
            "<!--",
            "]]>",
            "&lt;b&gt;",
            "&#x3c;script&#x3e;",
            "{{7*7}}${7*7}%s{0}",
            "\x00<\x00script",
            "\ud800",
            "\u202e<b>",
        ]
    ),
)


@pytest.mark.parametrize("name", PAGES)
@given(text=hostile)
def test_no_text_ever_becomes_markup(name: str, text: str) -> None:
    assert read(views(lambda: text)[name]).shape == read(views(lambda: "x")[name]).shape


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30))
def test_text_arrives_as_it_was(text: str) -> None:
    found = read(views(lambda: text)["everything"])
    assert f"Signed in as a{text}" in found.text
    assert found.text.count(f"n{text}") >= 4
    assert f"h{text}" in {tag.attributes.get("value") for tag in found.all("input")}
    assert f"/p{text}" in {tag.attributes.get("value") for tag in found.all("input")}


@given(
    address=st.text()
    | st.sampled_from(["javascript:alert(1)", "//evil.example", "/\\evil.example", "data:text/html,x"])
)
def test_links_lead_to_pages_alone(address: str) -> None:
    base = views(str)
    for view in (
        replace(base["everything"], next=address),
        replace(base["codes"], next=address),
        replace(base["sign-in"], sign_in=address),
    ):
        for link in read(view).all("a"):
            href = link.attributes["href"] or ""
            assert re.match(r"https?://|/(?![/\\])", href), href
    assert safe_address("/pay?x=1") == "/pay?x=1"
    assert safe_address("https://login.example.com/") == "https://login.example.com/"


def test_a_provisioning_uri_is_a_link_only_if_it_is_one() -> None:
    view = views(str)["offer"]
    assert view.offer is not None
    links = {link.attributes["href"] for link in read(view).all("a")}
    assert links == {"otpauth://totp/"}
    other = replace(view, offer=replace(view.offer, uri="javascript:alert(1)"))
    assert read(other).all("a") == []


@pytest.mark.parametrize("name", PAGES)
def test_every_field_has_one_label(name: str) -> None:
    found = read(views(lambda: "x")[name])
    labels = [label.attributes["for"] for label in found.all("label")]
    fields = [tag.attributes["id"] for tag in found.all("input") if tag.attributes.get("type") != "hidden"]
    assert sorted(map(str, labels)) == sorted(map(str, fields))
    assert len(set(fields)) == len(fields)


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_what_they_are_pointed_at_by_is_there(name: str) -> None:
    found = read(views(lambda: "x")[name])
    ids = [tag.attributes["id"] for tag in found.tags if "id" in tag.attributes]
    assert len(set(ids)) == len(ids)
    for tag in found.tags:
        for attribute in ("for", "aria-labelledby", "aria-describedby"):
            if attribute in tag.attributes:
                assert tag.attributes[attribute] in ids


@pytest.mark.parametrize("name", PAGES)
def test_forms_post_to_the_ceremonies(name: str) -> None:
    for form in read(views(lambda: "x")[name]).all("form"):
        assert form.attributes["method"] == "post"
        if "data-passkey" in form.attributes:
            assert "hidden" in form.attributes  # it works with the script alone
            assert "action" not in form.attributes
        else:
            assert form.attributes["action"] in PATHS


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(name: str) -> None:
    found = read(views(lambda: "x")[name])
    for tag in found.tags:
        assert not [one for one in tag.attributes if one == "style" or one.startswith("on")]
    assert [tag.attributes for tag in found.all("script")] == [{"type": "module", "src": "/auth/page.js"}]
    assert found.all("style") == []
    assert [tag.attributes["href"] for tag in found.all("link")] == ["/auth/zerotrust.css", "data:,"]


@pytest.mark.parametrize("name", PAGES)
def test_one_title_one_heading_and_landmarks(name: str) -> None:
    found = read(views(lambda: "x")[name])
    assert found.all("html")[0].attributes["lang"] == "en"
    assert len(found.all("title")) == len(found.all("h1")) == len(found.all("main")) == 1
    for section in found.all("section"):
        assert section.attributes["aria-labelledby"]


def test_an_error_stands_at_its_field_and_in_the_title() -> None:
    found = read(views(str)["dialogue with an error"])
    fields = {str(tag.attributes.get("id")): tag.attributes for tag in found.all("input")}
    assert fields["totp-verify-code"]["aria-invalid"] == "true"
    assert fields["totp-verify-code"]["aria-describedby"] == "totp-verify-code-error"
    assert "Try again in 3 minutes." in found.text
    assert found.text.lstrip().startswith("Error: Confirm that it is you")
    assert not [tag for tag in found.all("p") if tag.attributes.get("role") == "alert" and tag.within[-1] == "main"]


def test_an_error_of_no_field_stands_on_top() -> None:
    found = read(views(str)["everything with an error"])
    assert [tag for tag in found.all("p") if tag.attributes.get("role") == "alert" and tag.within[-1] == "main"]


def test_who_lost_everything_is_told_of_recovery_codes() -> None:
    links = [link.attributes["href"] for link in read(views(str)["dialogue"]).all("a")]
    assert links == ["/auth/?for=recovery_code&next=/auth/"]


def test_an_offer_whose_code_was_wrong_is_not_shown_again() -> None:
    """Its secret is known to the authenticator, and to nobody who looks at the page later."""
    found = read(views(str)["offer again"])
    assert [form.attributes["action"] for form in found.all("form")] == ["/auth/sign-out", "/auth/totp/enrol"]
    assert [link.attributes["href"] for link in found.all("a")] == ["/auth/"]
    assert "That code is not right." in found.text


def test_who_has_nothing_to_prove_sets_something_up_or_goes_on() -> None:
    found = read(views(lambda: "x")["dialogue with nothing to prove"])
    assert "You have none of them yet." in found.text
    assert [link.attributes["href"] for link in found.all("a")] == ["/px"]
    assert "Set up" in found.text


def test_nobody_is_asked_to_confirm_who_is_not_signed_in() -> None:
    found = read(views(str)["dialogue for nobody"])
    assert found.text.lstrip().startswith("Sign in")
    assert [link.attributes["href"] for link in found.all("a")] == ["/login"]


@pytest.mark.parametrize(("account", "said"), [("ada", "Confirm first that it is you"), (None, "Sign in first.")])
def test_what_is_missing_is_told_in_words_that_fit(account: str | None, said: str) -> None:
    view = replace(views(str)["dialogue"], account=account, problem=Problem("not_presented", "no credential"))
    assert said in read(view).text


def test_secrets_are_shown_whole_once_and_never_in_a_repr() -> None:
    view = views(str)["offer"]
    found = read(view)
    assert found.text.count(SECRET) == 1  # in groups of elements, so that what is copied has no spaces
    assert SECRET not in repr(view)
    assert "c1-c2" not in repr(replace(view, codes=("c1-c2",)))


def test_the_cursor_starts_in_one_place_at_most() -> None:
    for name, view in views(str).items():
        started = [tag for tag in read(view).tags if "autofocus" in tag.attributes]
        assert len(started) == (0 if name in {"dialogue with nothing to prove", "dialogue for nobody", "codes"} or
                                name.startswith("everything") else 1), name  # fmt: skip


def test_a_moment_that_no_calendar_has_is_shown_as_such() -> None:
    assert "a time unknown" in read(views(str)["everything"]).text


def test_elements_are_written_as_they_are_named() -> None:
    assert element("p", "a<b", None, (Markup("<i>"), "&"), class_="x y", data_a='"', hidden=True, id=None) == (
        '<p class="x y" data-a="&quot;" hidden>a&lt;b<i>&amp;</p>'
    )
    assert element("input", name="n", required=False) == '<input name="n">'
    assert together() == ""
    assert document(lang="en") == '<!doctype html>\n<html lang="en"></html>\n'
