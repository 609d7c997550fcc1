"""The door for Django REST framework: the guard of Django decides, and the framework is told.

REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["zerotrust.django.rest.AccessAuthentication"]}

class Payments(APIView):
    permission_classes = [Requires(can_pay)]
"""

try:
    import rest_framework as _  # noqa: F401 - asked for here, so that what is missing can be told by its name
except ImportError as _missing:
    raise ImportError(
        "the door for Django REST framework needs Django REST framework: pip install 'zerotrust[drf]'"
    ) from _missing

from zerotrust.django.rest.authentication import AccessAuthentication
from zerotrust.django.rest.permissions import Requires

__all__ = ["AccessAuthentication", "Requires"]
