"""What the ledger's log says of requests: never a statement's token, and never more than a few lines."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.core import signing

from cloud_sync.ledger.site.logs import ALIKE_S, DiscreetFormatter, RequestFilter, discreet


def token() -> str:
    return signing.dumps([17, 3], key="k" * 50, salt="statement")


@pytest.mark.parametrize(
    "written",
    [
        "Not Found: /statement/{}/",
        "GET https://points.example.org/statement/{}?lang=en HTTP/1.1",
        "/Statement//{}/x",
        "statement%2F{}",
        "statement%252f{}",
        "see {} for yourself",
        "b'{}'",
    ],
)
@pytest.mark.parametrize("times", [0, 1, 2], ids=["plain", "encoded", "encoded twice"])
def test_a_token_is_blotted_out_wherever_it_stands(written: str, times: int) -> None:
    said = token()
    for _ in range(times):
        said = quote(said, safe="")
    line = discreet(written.format(said))
    assert token().rpartition(":")[2] not in line
    for part in said.replace("%253A", ":").replace("%3A", ":").split(":"):
        assert len(part) < 4 or part not in line
    assert line.replace("…", "") in written.replace("{}", "") or "…" in line


def test_a_token_in_a_traceback_is_blotted_out() -> None:
    said = token()
    try:
        raise ValueError(said)  # noqa: TRY301 (a traceback is what is wanted)
    except ValueError as error:
        raised = (ValueError, error, error.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), raised)
    text = DiscreetFormatter().format(record)
    assert "ValueError: …" in text
    assert said not in text


def test_what_is_no_token_stays() -> None:
    line = "east-gate: 3 new, through 17 of 0a1b2c at 2026-11-29 22:10:05,123; https://x/office/debts/"
    assert discreet(line) == line


def request_record(
    status: int, path: str = "/statement/x/", route: str | None = "statement/<str:token>/"
) -> logging.LogRecord:
    record = logging.LogRecord("django.request", logging.WARNING, "f", 1, "Not Found: %s", (path,), None)
    record.request = SimpleNamespace(method="GET", resolver_match=route and SimpleNamespace(route=route))
    record.status_code = status
    return record


def test_a_line_about_a_request_names_the_pattern_of_its_address() -> None:
    filter_ = RequestFilter(now=lambda: 0.0)
    known, unknown = request_record(404), request_record(404, "/secret", None)
    assert filter_.filter(known)
    assert known.getMessage() == "404 for GET /statement/<str:token>/"
    assert filter_.filter(unknown)
    assert unknown.getMessage() == "404 for GET an unknown address"


def test_lines_that_are_alike_come_once_in_a_while_with_their_number() -> None:
    now = [0.0]
    filter_ = RequestFilter(now=lambda: now[0])
    written = [filter_.filter(request_record(404, f"/{number}", None)) for number in range(1000)]
    assert written.count(True) == 1
    assert filter_.filter(request_record(405))
    now[0] = ALIKE_S
    last = request_record(404, "/x", None)
    assert filter_.filter(last)
    assert last.getMessage().endswith("; 999 more since the last such line")


def test_what_is_not_about_a_request_is_left_alone() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%d new", (3,), None)
    assert all(RequestFilter().filter(record) for _ in range(3))
    assert record.getMessage() == "3 new"
