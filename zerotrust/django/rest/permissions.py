"""`permission_classes = [Requires(can_pay)]`: a policy where Django REST framework looks for permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission, BasePermissionMetaclass
from rest_framework.request import Request

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.django.late import decided, is_granted
from zerotrust.django.views import Requirement
from zerotrust.web.access import Access
from zerotrust.web.functions import MARK

if TYPE_CHECKING:  # whose module reads the settings, and so this one, while it is loaded
    from rest_framework.views import APIView


class Refused(APIException):
    """A refusal on its way through Django REST framework, which knows it as an exception of its own.

    Attributes:
        response: what is answered.
    """

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__()
        self.status_code: int = response.status_code
        self.response: HttpResponseBase = response


class _Uncombined(BasePermissionMetaclass):
    """Says what to write where these permissions are combined: a refusal is answered, whatever another would say."""

    def __and__(cls, other: object) -> NoReturn:
        raise ConfigError("list both in permission_classes, or combine the policies: Requires(a & b)")

    def __or__(cls, other: object) -> NoReturn:
        raise ConfigError("combine the policies instead: Requires(a | b)")

    def __invert__(cls) -> NoReturn:
        raise ConfigError("combine the policies instead: Requires(~a)")


class PolicyPermission(BasePermission, metaclass=_Uncombined):
    """A permission that a policy gives; `Requires` makes one.

    Attributes:
        policy: what has to hold.
    """

    policy: ClassVar[Policy]

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the policy holds; a refusal is answered as it is."""
        inner = request._request
        if is_granted(inner, self.policy):
            return True
        outcome = decided(inner, self.policy)
        if isinstance(outcome, Access):
            return True
        _answer(view, outcome)
        raise Refused(outcome)


def Requires(policy: Policy) -> type[BasePermission]:
    """What stands in `permission_classes` for `policy`.

    The guard sees it there and decides before anything of the view runs. Where it does not - it is given by
    `get_permissions`, say, or is the last part of another permission - it decides by itself, and refuses as any
    refusal.

    Args:
        policy: what has to hold.

    Returns:
        A permission class.

    Raises:
        ConfigError: it is no policy.
    """
    checked = Requirement(policy).policy
    return type("Requires", (PolicyPermission,), {"policy": checked, MARK: (checked,), "__module__": __name__})


def _answer(view: APIView, response: HttpResponseBase) -> None:
    """Have `view` answer with this very response, without headers of its own."""
    holder: Any = view

    def handle_exception(_: Exception) -> Any:  # whatever comes of it, who was refused is told nothing else
        holder.headers = {}
        return response

    holder.handle_exception = handle_exception
