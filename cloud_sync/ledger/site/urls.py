"""Every address of the ledger."""

from __future__ import annotations

from django.urls import path

from cloud_sync.ledger.office import views as office
from cloud_sync.ledger.site import pages
from cloud_sync.ledger.statement import views

urlpatterns = [
    path("", pages.home, name="home"),
    path("healthz", pages.health, name="health"),
    path("colours.css", pages.colours, name="colours"),
    path("statement/<str:token>/", views.statement, name="statement"),
    path("office/", office.office, name="office"),
    path("office/debts/", office.debts, name="office-debts"),
    path("office/debts/<int:number>/forgive/", office.forgive_debt, name="office-forgive"),
    path("office/login/", office.login, name="office-login"),
    path("office/logout/", office.logout, name="office-logout"),
]
handler404 = pages.missing
