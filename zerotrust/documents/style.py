"""How pages of policies and decisions look: one style sheet, on screens light and dark, on phones and on paper."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1c2128; --quiet: #57606a; --line: #d5dbe1; --panel: #f5f7f9;
  --yes: #116329; --yes-back: #dcf3e2; --no: #a01b14; --no-back: #fde7e5; --open: #7a4d00; --open-back: #fdf0cd;
  --name: #0a4bb3; --tag: #5b33a8; --tag-back: #f0e8fd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141a; --ink: #e4e9ee; --quiet: #9aa6b2; --line: #333d47; --panel: #18202a;
    --yes: #7ee2a0; --yes-back: #12351f; --no: #ffaaa3; --no-back: #451a17; --open: #f5cd79; --open-back: #3d2c07;
    --name: #8ab8ff; --tag: #cdb4ff; --tag-back: #2c1f4a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 64rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
code { font: .9em/1.5 ui-monospace, monospace; white-space: pre-wrap; }
.quiet { color: var(--quiet); font-size: .9rem; }
.verdict {
  display: inline-block; min-width: 2.9rem; padding: 0 .5rem; border-radius: 1rem; text-align: center;
  font-weight: 600; font-size: .85rem; border: 1px solid currentColor;
}
.yes { color: var(--yes); background: var(--yes-back); }
.no { color: var(--no); background: var(--no-back); }
.unknown { color: var(--open); background: var(--open-back); }
h1 .verdict { font-size: 1rem; margin-right: .35rem; vertical-align: .15rem; }
.head { border-bottom: 1px solid var(--line); padding-bottom: 1rem; }
.list { margin: 0; padding-left: 1.5rem; }
.list li { margin: .35rem 0; }
.tree, .tree ul { list-style: none; margin: 0; padding: 0; }
.tree ul { margin-left: .55rem; padding-left: 1rem; border-left: 2px solid var(--line); }
.tree li { margin: .3rem 0; }
.leaf { padding: .3rem .6rem; background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; }
.leaf p { margin: .1rem 0 0; }
summary { cursor: pointer; padding: .15rem 0; border-radius: .25rem; }
summary:focus-visible { outline: 2px solid var(--name); outline-offset: 2px; }
.name { color: var(--name); font-weight: 600; }
.tag {
  display: inline-block; padding: 0 .5rem; border-radius: .3rem; background: var(--tag-back); color: var(--tag);
  font-size: .85rem;
}
.role { color: var(--quiet); font-size: .85rem; font-weight: 600; }
.code { font-size: .85rem; }
@media (max-width: 32rem) {
  body { padding: 1rem .75rem 2rem; }
  .tree ul { margin-left: .2rem; padding-left: .55rem; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --ink: #000000; --quiet: #444444; --line: #999999; --panel: #ffffff;
    --yes: #0b4d1d; --no: #7d120c; --open: #5c3a00; --name: #062e6f; --tag: #3b1d80;
    --yes-back: #ffffff; --no-back: #ffffff; --open-back: #ffffff; --tag-back: #ffffff;
  }
  body { padding: 0; max-width: none; font-size: 10pt; }
  .leaf, .list li { break-inside: avoid; }
}
"""

_DIGEST: Final = b64encode(sha256(STYLE.encode()).digest()).decode()

POLICY: Final = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
"""The page's own Content-Security-Policy: this style, and nothing else, whatever text somebody got into it."""
