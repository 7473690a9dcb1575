"""All URLs of the ledger."""

from __future__ import annotations

from django.urls import include, path

from cloud_sync.ledger.api.routes import api
from cloud_sync.ledger.audit import pages as audit
from cloud_sync.ledger.commanding import views as commanding
from cloud_sync.ledger.enrolment import pages as enrolment
from cloud_sync.ledger.office import actions
from cloud_sync.ledger.office import views as office
from cloud_sync.ledger.officers import pages as officers
from cloud_sync.ledger.officers import sign_in
from cloud_sync.ledger.officers.factor import pages as factor
from cloud_sync.ledger.site import pages
from cloud_sync.ledger.statement import views

urlpatterns = [
    path("", pages.home, name="home"),
    path("healthz", pages.health, name="health"),
    path("colours/<slug:community>.css", pages.colours, name="colours"),
    path("statement/<str:token>/", views.statement, name="statement"),
    path("api/v1/", api.urls),
    path("office/", office.office, name="office"),
    path("office/debts/", office.debts, name="office-debts"),
    path("office/<slug:community>/debts/<int:number>/forgive/", office.forgive_debt, name="office-forgive"),
    path("office/<slug:community>/held/<int:number>/give/", actions.give, name="office-give"),
    path("office/<slug:community>/held/<int:number>/withhold/", actions.withhold, name="office-withhold"),
    path("office/<slug:community>/held/<int:number>/register/", actions.register, name="office-register"),
    path(
        "office/<slug:community>/cards/<int:number>/unregister/", actions.unregister, name="office-unregister"
    ),
    path(
        "office/<slug:community>/transfers/<int:number>/take-back/",
        actions.take_back,
        name="office-take-back",
    ),
    path("office/<slug:community>/alarms/<int:number>/close/", actions.close, name="office-close-alarm"),
    path("office/<slug:community>/aside/<slug:number>/apply/", actions.apply, name="office-apply"),
    path("office/<slug:community>/aside/<slug:number>/dismiss/", actions.dismiss, name="office-dismiss"),
    path("office/<slug:community>/aside/<slug:number>/show/", actions.show_again, name="office-show-again"),
    path("office/<slug:community>/links/take-back/", actions.unlink, name="office-unlink"),
    path("office/audit/", audit.audit, name="office-audit"),
    path(
        "office/<slug:community>/stations/<slug:station>/commands/",
        commanding.commands,
        name="office-commands",
    ),
    path(
        "office/<slug:community>/stations/<slug:station>/commands/lid/",
        commanding.command_lid,
        name="office-command-lid",
    ),
    path(
        "office/<slug:community>/stations/<slug:station>/commands/station/",
        commanding.command_station,
        name="office-command-station",
    ),
    path("office/enrolment/", enrolment.enrolment, name="office-enrolment"),
    path("office/<slug:community>/enrolment/invite/", enrolment.invite_station, name="office-invite-station"),
    path(
        "office/<slug:community>/enrolment/<slug:number>/take-back/",
        enrolment.take_code_back,
        name="office-take-code-back",
    ),
    path(
        "office/<slug:community>/enrolment/<slug:number>/",
        enrolment.code_standing,
        name="office-code-standing",
    ),
    path("office/rights/", officers.rights, name="office-rights"),
    path("office/", include("cloud_sync.ledger.fleet.pages.urls")),
    path("office/login/", sign_in.login, name="office-login"),
    path("office/second-factor/", factor.second_factor, name="office-second-factor"),
    path("office/logout/", sign_in.logout, name="office-logout"),
]
handler404 = pages.missing
