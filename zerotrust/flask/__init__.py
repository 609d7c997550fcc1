"""The door for Flask: every route is closed until a policy opens it.

guard = Guard(app, default=token.valid)

@app.post("/payments")
@guard.require(can_pay)
def pay() -> dict[str, str]:
    return {"who": guard.access[token].subject}
"""

try:
    import flask as _  # noqa: F401 - asked for here, so that what is missing can be told by its name
except ImportError as _missing:
    raise ImportError("the door for Flask needs Flask: pip install 'zerotrust[flask]'") from _missing

from zerotrust.flask.guard import Guard
from zerotrust.web.access import Access, NotVerified
from zerotrust.web.shadow import Difference, Shadow

__all__ = ["Access", "Difference", "Guard", "NotVerified", "Shadow"]
