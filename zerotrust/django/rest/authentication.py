"""`request.user` and `request.auth` of Django REST framework, from what the guard has decided already."""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import ref

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from zerotrust.django.door import door_of
from zerotrust.django.users import told_by_hook
from zerotrust.django.visit import visit_of
from zerotrust.web.access import Access
from zerotrust.web.challenge import challenges, schemes, tokens_of
from zerotrust.web.wanted import Wanted


class AccessAuthentication(BaseAuthentication):
    """Tells Django REST framework who the guard has let in; it reads no credential itself.

    `request.auth` is the `Access`. `request.user` is what `ZEROTRUST["USER"]` gives, and `AnonymousUser` without that.
    A 401 of the framework's own carries the challenge of the policy that let the request in.
    """

    def authenticate(self, request: Request) -> tuple[Any, Access] | None:
        """User and access; None where nobody decided."""
        visit = visit_of(request)
        if visit is None:
            return None
        visit.told = partial(_tell, self, ref(request))
        return _user(request._request), visit.access

    def authenticate_header(self, request: Request) -> str:
        """The challenge of what was required, where the framework itself asks who this is."""
        inner = request._request
        visit, gate = visit_of(request), door_of(inner).gate
        policy = gate.default.policy if visit is None else visit.place.protection.policy
        token = next(tokens_of(policy), None)
        metadata = None if gate.resource is None else gate.resource.metadata_url
        made = challenges(
            token, schemes(token), None, Wanted(), realm=getattr(token, "realm", None), resource_metadata=metadata
        )
        return ", ".join(value.decode("ascii") for value in made)


def _user(request: HttpRequest) -> Any:
    # Views of the framework go without Django's check against cross-site requests, so its cookies say nothing here.
    return told_by_hook(request) if door_of(request).users is not None else AnonymousUser()


def _tell(by: BaseAuthentication, known: ref[Request]) -> None:
    """Tell a request of the framework, which asks once and keeps the answer, who was let in since."""
    request = known()
    told = None if request is None else by.authenticate(request)
    if request is not None and told is not None:
        request.user, request.auth = told
