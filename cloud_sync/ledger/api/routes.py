"""The API with every room's router."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest
from ninja import NinjaAPI, Router, Schema

from cloud_sync.ledger.api.errors import failures, handle_errors
from cloud_sync.ledger.api.rates import CallerRate
from cloud_sync.ledger.api.stations import AskingStation, StationAuth
from cloud_sync.ledger.downlink.routes import router as published
from cloud_sync.ledger.enrolment.routes import router as enrolment
from cloud_sync.ledger.tokens.routes import router as reading

stations = Router(auth=StationAuth(), tags=["stations"])


class Caller(Schema):
    """Whom the ledger takes the caller for."""

    community: str
    station: str
    key: str


@stations.get("/whoami", response=Caller, openapi_extra=failures(HTTPStatus.UNAUTHORIZED))
def whoami(request: HttpRequest) -> Caller:
    """Say which station signed this request."""
    asking: AskingStation = request.auth  # type: ignore[attr-defined]  # ninja sets what StationAuth returns
    return Caller(community=asking.community, station=asking.station.slug, key=asking.key)


api = NinjaAPI(
    title="Tongzhan ledger",
    version="1",
    docs_url=None,  # its page would load scripts from elsewhere
    openapi_url="/openapi.json",
    throttle=[CallerRate()],
)
handle_errors(api)
api.add_router("/station", stations)
api.add_router("", enrolment)
api.add_router("/station", published)
api.add_router("", reading)
