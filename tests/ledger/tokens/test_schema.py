"""schemathesis asks the whole API, by its own description, what nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from django.db import connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.site.asgi import application
from cloud_sync.ledger.tokens.register import TokenScope, add_token
from cloud_sync.wire.facts import AlarmFacts
from cloud_sync.wire.station_state import StationState
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import Town, event, stamp

EXAMPLES = 25
"""Requests of each operation, as generated and with real names."""
READING = (
    "/communities/{community}/stations",
    "/communities/{community}/stations/{station}",
    "/communities/{community}/alarms",
    "/communities/{community}/balances",
)
REAL = {"community": "sunny-garden", "station": "east-gate"}


@pytest.fixture
def api(town: Town) -> Iterator[schemathesis.BaseSchema]:
    """The API's description, as the real application gives it over a real database."""
    cache.clear()
    now = datetime.now(UTC)
    town.station("east-gate")
    Saying(town.community.slug, now).say("east-gate", StationState(online=True, start=7, outbox=2))
    fault = AlarmFacts("camera_failed", "kitchen", raised=True)
    town.deliver(event(1, fault, at=stamp(now)), now=now)
    add_household(town.community, "3-2-501")
    connections.close_all()
    yield schemathesis.openapi.from_asgi("/api/v1/openapi.json", application)
    connections.close_all()


@pytest.fixture
def token(town: Town) -> str:
    assert town.community.pk
    return add_token("test", list(TokenScope), None, 30, "li", "a test", datetime.now(UTC))


bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("is_real", [False, True], ids=["generated", "real"])
def test_nothing_that_is_asked_is_answered_beyond_the_description(
    api: schemathesis.BaseSchema, token: str, *, is_real: bool
) -> None:
    """As generated, and about the community and the station that there are."""
    asked = set()
    for found in api.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        asked.add(operation.label)

        @bounded
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:  # noqa: ANN401 (schemathesis' own type)
            cache.clear()
            if is_real:
                real = {name: REAL[name] for name in case.path_parameters.keys() & REAL.keys()}
                case.path_parameters.update(real)
            # What a station seals to enrol is bytes that a description cannot give.
            unfit = ["positive_data_acceptance"] if case.path == "/api/v1/enrol" else []
            without = CHECKS.get_by_names(unfit)
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=without)

        ask()
    assert {f"GET /api/v1{path}" for path in READING} <= asked
