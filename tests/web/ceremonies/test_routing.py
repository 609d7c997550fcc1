"""Which path and method is what, and which headers every answer has."""

from __future__ import annotations

import pytest

from tests.web.ceremonies.world import Reply, make

READS = ["", "factors", "sessions", "zerotrust.js", "zerotrust.css", "page.js"]
POSTS = [
    "passkey/options", "passkey/verify", "passkey/enrol/options", "passkey/enrol",
    "totp/enrol/options", "totp/enrol", "totp/verify", "hotp/enrol/options", "hotp/enrol", "hotp/verify",
    "recovery/regenerate", "recovery/verify", "factors/rename", "factors/remove", "sessions/revoke", "sign-out",
]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_reading_is_for_get_and_head(path: str) -> None:
    browser = make().browser()
    got, head = browser.send("GET", path), browser.send("HEAD", path)
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert got.header("content-length") == head.header("content-length") == str(len(got.body))
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "", "FOO"):
        refused = browser.send(method, path)
        assert (refused.status, refused.header("allow"), refused.json["code"]) == (
            405,
            "GET, HEAD",
            "method_not_allowed",
        )


@pytest.mark.parametrize("path", POSTS)
def test_everything_that_changes_something_is_a_post(path: str) -> None:
    browser = make().browser()
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "post"):
        refused = browser.send(method, path)
        assert (refused.status, refused.header("allow")) == (405, "POST")
    assert browser.enrolled == []
    assert browser.post(path).status in (200, 201, 400, 401, 404)
    assert browser.post(path).text.find("not_found") < 0


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "totp",
        "totp/",
        "totp/verify/",
        "/auth//totp/verify",
        "/auth/./totp/verify",
        "/auth/x/../totp/verify",
        "TOTP/verify",
        "totp/verify;x",
        "zerotrust.js/",
        "zerotrust.map",
        "static/zerotrust.js",
        "../page.py",
        "page.py",
        "%74otp/verify",
        "/authx",
        "/aut",
        "/",
        "",
        "/other/auth/factors",
        "totp%2Fverify",
        "factors/rename/totp",
        "\x00",
        "é",
        "approval/options",
    ],
)
def test_what_is_not_in_the_table_is_not_there(path: str) -> None:
    browser = make().browser()
    for method in ("GET", "POST", "DELETE"):
        if path or method != "GET":
            refused = browser.send(method, path)
            assert (refused.status, refused.json["code"]) in ((404, "not_found"), (405, "method_not_allowed"))
            assert refused.status == 404 or path == ""


def test_what_is_not_configured_is_not_there() -> None:
    world = make()
    from zerotrust.web.ceremonies import Ceremonies

    world.ceremonies = Ceremonies(world.session, world.passkey, first=world.token.valid, name="E")
    browser = world.browser()
    assert browser.post("totp/verify").status == 404
    assert browser.post("recovery/regenerate").status == 404
    assert browser.post("passkey/enrol/options").status == 200


def test_the_mount_is_the_page_with_and_without_its_slash() -> None:
    browser = make().browser()
    assert browser.get("/auth").body == browser.get("/auth/").body


@pytest.mark.parametrize("root", ["/app", "/app/v1", "/a b", "/\xe9"])
def test_below_a_root_addresses_begin_with_it(root: str) -> None:
    from urllib.parse import quote

    world = make()
    world.root = root
    browser = world.browser()
    shown = browser.get("")
    assert f'href="{quote(root)}/auth/zerotrust.css"' in shown.text
    assert browser.form("sign-out").header("location") == f"{quote(root)}/auth/?done=signed_out"
    assert browser.enrol_passkey().status == 201
    world.later(400)
    assert browser.post("recovery/regenerate").json["step_up"]["at"] == f"{quote(root)}/auth"


@pytest.mark.parametrize("root", ["//evil.example", "/\\evil", "/a//b", "/..", "/a\r\nb"])
def test_a_root_that_leads_elsewhere_serves_nothing(root: str) -> None:
    world = make()
    world.root = root
    assert world.browser().get("").status == 404


def test_a_door_may_be_mounted_at_the_path_itself_and_a_server_leave_its_root_out() -> None:
    world = make()
    for root in ("/auth", "/app"):
        world.root = ""
        browser = world.browser()
        world.root = root
        assert browser.get("/auth/factors").status == 200
    world.root = "/auth"
    assert 'href="/auth/zerotrust.css"' in browser.get("/auth/").text


def values(reply: Reply) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in reply.headers}


@pytest.mark.parametrize(
    ("path", "method"), [("", "GET"), ("factors", "GET"), ("totp/verify", "POST"), ("nothing", "GET"), ("", "PUT")]
)
def test_no_answer_is_kept_sniffed_or_read_by_other_sites(path: str, method: str) -> None:
    headers = values(make().browser().send(method, path))
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_page_runs_its_own_script_alone_and_is_framed_by_nobody() -> None:
    headers = values(make().browser().get(""))
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "publickey-credentials-get=(self)" in headers["permissions-policy"]


@pytest.mark.parametrize("name", ["zerotrust.js", "zerotrust.css", "page.js"])
def test_files_are_the_same_for_everybody_and_sent_once(name: str) -> None:
    world = make()
    first = world.browser(None).get(name)
    assert first.status == 200
    assert first.header("content-type") in ("text/javascript; charset=utf-8", "text/css; charset=utf-8")
    tag = first.header("etag") or ""
    again = world.browser().get(name, headers=[("if-none-match", tag)])
    assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
    assert world.browser().get(name, headers=[("if-none-match", '"other"')]).status == 200
