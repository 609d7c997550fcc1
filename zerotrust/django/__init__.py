"""The door for Django: every view is closed until a policy opens it.

MIDDLEWARE = ["zerotrust.django.Guard", ...]
INSTALLED_APPS = ["zerotrust.django", ...]
ZEROTRUST = {"DEFAULT": "shop.policies.signed_in"}

@require(can_pay)
def pay(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"who": access(request)[token].subject})
"""

try:
    import django as _  # noqa: F401 - asked for here, so that what is missing can be told by its name
except ImportError as _missing:
    raise ImportError("the door for Django needs Django: pip install 'zerotrust[django]'") from _missing

from zerotrust.django.middleware import Guard, recheck, report
from zerotrust.django.views import Require, require
from zerotrust.django.visit import access
from zerotrust.web.access import Access, NotVerified
from zerotrust.web.shadow import Difference, Shadow

__all__ = [
    "Access",
    "Difference",
    "Guard",
    "NotVerified",
    "Require",
    "Shadow",
    "access",
    "recheck",
    "report",
    "require",
]
