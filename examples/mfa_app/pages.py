"""The shop's own pages, as plain as can be: what is not a constant is escaped."""

from html import escape

HEADERS = {
    # Nothing inline, nothing from elsewhere: zerotrust.js and its style sheet need no more than this.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_PAGE = """<!doctype html>
<html lang="en" class="zerotrust-page">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Corner Shop</title>
<link rel="stylesheet" href="/auth/zerotrust.css"><link rel="icon" href="data:,">
<script type="module" src="/static/shop.js"></script></head>
<body class="zerotrust narrow"><header><p class="brand">Corner Shop</p>{who}</header>
<main><h1>{title}</h1>{body}</main></body></html>
"""

_LOGIN = """{error}
<form class="panel" method="post" action="/login">
<label for="name">Name</label><input id="name" name="name" required autocomplete="username" autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="current-password">
<input type="hidden" name="next" value="{next}">
<div class="buttons"><button>Sign in</button></div></form>
<p><a href="/auth/">Sign in with a passkey</a></p>
"""

_HOME = """
<p><a href="/statement">Statement</a> · <a href="/auth/">Passkeys, codes, sessions</a></p>
<form class="panel" data-to="/payments"><h2>Pay</h2>
<label for="pay-to">To</label><input id="pay-to" name="to" required value="bob">
<label for="pay-cents">Cents</label><input id="pay-cents" name="cents" required inputmode="numeric" value="1250">
<div class="buttons"><button>Pay</button></div><p role="status"></p></form>
<form class="panel" data-to="/transfers"><h2>Transfer</h2>
<label for="transfer-to">To</label><input id="transfer-to" name="to" required value="DE02 1203 0000 0000 2020 51">
<label for="transfer-cents">Cents</label>
<input id="transfer-cents" name="cents" required inputmode="numeric" value="99900">
<div class="buttons"><button>Transfer</button></div><p role="status"></p></form>
"""


def login(going: str, *, wrong: bool = False) -> str:
    error = '<p class="error" role="alert">That name and password do not belong together.</p>' if wrong else ""
    return _PAGE.format(title="Sign in", who="", body=_LOGIN.format(error=error, next=escape(going)))


def home(name: str) -> str:
    return _PAGE.format(title="Your account", who=_who(name), body=_HOME)


def statement(name: str, payments: list[str]) -> str:
    rows = "".join(f"<li>{escape(one)}</li>" for one in payments) or "<li>Nothing yet.</li>"
    body = f'<ul class="rows">{rows}</ul><p><a href="/">Back</a></p>'
    return _PAGE.format(title="Statement", who=_who(name), body=body)


def _who(name: str) -> str:
    return f'<p>Signed in as <span class="name">{escape(name)}</span></p>'
