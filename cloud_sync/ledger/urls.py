"""Every address of the ledger."""

from __future__ import annotations

from django.urls import path

from cloud_sync.ledger import pages
from cloud_sync.ledger.points import views

urlpatterns = [
    path("", pages.home, name="home"),
    path("healthz", pages.health, name="health"),
    path("colours.css", pages.colours, name="colours"),
    path("statement/<str:token>/", views.statement, name="statement"),
]
handler404 = pages.missing
