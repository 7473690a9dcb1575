"""The addresses of stations' pages, below `office/`."""

from __future__ import annotations

from django.urls import path

from cloud_sync.ledger.fleet.pages import actions, views

urlpatterns = [
    path("stations/", views.stations, name="stations"),
    path("<slug:community>/stations/<slug:slug>/", views.station, name="station"),
    path("<slug:community>/stations/<slug:slug>/maintenance/", actions.maintain, name="station-maintenance"),
    path(
        "<slug:community>/station-alarms/<int:number>/acknowledge/",
        actions.acknowledge,
        name="station-alarm-acknowledge",
    ),
    path("<slug:community>/station-alarms/<int:number>/close/", actions.close, name="station-alarm-close"),
]
