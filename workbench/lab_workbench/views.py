"""The first page: who are you, and which lab?"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from lab_workbench.course import scenarios, shown
from lab_workbench.services import VISITORS


def index(request: HttpRequest) -> HttpResponse:
    """All scenarios for all visitors."""
    context = {"scenarios": shown(), "visitors": VISITORS, "providers": settings.HASTEXO_LAB["providers"]}
    return render(request, "lab_workbench/index.html", context)


def ready(request: HttpRequest) -> JsonResponse:
    """200 when pages and handlers can be served: scenarios are loaded by the first page that is asked for."""
    return JsonResponse({"scenarios": len(scenarios())})
