"""The workbench's own first page, and behind it xblock-sdk's."""

from django.urls import include, path

from lab_workbench import views

urlpatterns = [
    path("", views.index, name="lab_index"),
    path("ready", views.ready),
    path("", include("workbench.urls")),
]
