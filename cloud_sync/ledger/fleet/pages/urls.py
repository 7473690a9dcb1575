"""The addresses of stations' pages, below `office/`."""

from __future__ import annotations

from django.urls import path

from cloud_sync.ledger.fleet.pages import views

urlpatterns = [
    path("stations/", views.stations, name="stations"),
    path("<slug:community>/stations/<slug:slug>/", views.station, name="station"),
]
