"""Views of Django REST framework."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from tests.django.world import can_pay, can_read, staff, token
from zerotrust.django import Require, access, require
from zerotrust.django.rest import Requires


class Nobody(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class Payments(APIView):
    permission_classes = (Requires(can_pay),)

    def post(self, request: Request) -> Response:
        return Response({"who": access(request)[token].subject, "user": str(request.user)})


class Refunds(Require, APIView):
    policy = can_pay

    def post(self, request: Request) -> Response:
        return Response({"who": access(request)[token].subject, "same": request.auth is access(request)})


class Given(APIView):
    def get_permissions(self) -> list[Any]:
        return [Requires(can_pay)()]

    def get(self, request: Request) -> Response:
        return Response({"who": access(request)[token].subject})


class Mixed(APIView):
    permission_classes = (Nobody | Requires(can_pay),)

    def get(self, request: Request) -> Response:
        return Response("mixed")


class Asking(APIView):
    def get(self, request: Request) -> Response:
        raise NotAuthenticated


class Denying(APIView):
    def get(self, request: Request) -> Response:
        access(request).check(can_pay)
        return Response("allowed")


class Items(ViewSet):
    def list(self, request: Request) -> Response:
        return Response([])

    @require(can_read)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(pk)

    @action(detail=True, methods=["post"])
    @require(can_pay)
    def buy(self, request: Request, pk: str) -> Response:
        return Response("bought")

    @action(detail=False, methods=["post"], permission_classes=[Requires(staff)])
    def restock(self, request: Request) -> Response:
        return Response("restocked")


class Notes(ViewSet):
    @require(can_read)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(pk)

    @require(staff)
    def destroy(self, request: Request, pk: str) -> Response:
        return Response("gone")


@api_view(["GET", "POST"])
@permission_classes([Requires(can_pay)])
def function(request: Request) -> Response:
    return Response("function")


@require(can_pay)
@api_view(["GET"])
def marked(request: Request) -> Response:
    return Response("marked")


@api_view(["GET"])
@require(can_pay)
def below(request: Request) -> Response:
    return Response({"who": access(request)[token].subject})


class Both(APIView):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response(str(request.user))


router = DefaultRouter()
router.register("items", Items, basename="item")

urlpatterns = [
    path("payments/", Payments.as_view()),
    path("refunds/", Refunds.as_view()),
    path("given/", Given.as_view()),
    path("mixed/", Mixed.as_view()),
    path("asking/", Asking.as_view()),
    path("denying/", Denying.as_view()),
    path("function/", function),
    path("marked/", marked),
    path("below/", below),
    path("both/", Both.as_view()),
    path("api/", include(router.urls)),
    path("notes/<str:pk>/", Notes.as_view({"get": "retrieve", "delete": "destroy"})),
    path("schema/", SpectacularAPIView.as_view()),
]
