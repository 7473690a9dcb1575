"""`tongzhan ledger serve` as strangers meet it, over real sockets."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.db import connection

from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.officers.throttle import ADDRESS
from cloud_sync.ledger.statement.links import statement_link
from config.ledger import load_ledger
from tests.ledger.town import Town
from tests.programs import TONGZHAN
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, answers, until


@dataclass(frozen=True)
class Pages:
    """A running ledger's pages, and what they wrote to the log."""

    url: str
    process: subprocess.Popen[str]
    log_file: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def stopped(self) -> str:
        """End the process; all that it wrote."""
        self.process.terminate()
        self.process.wait(COMMAND_WITHIN_S)
        return self.log_file.read_text()

    def send(self, request: bytes) -> bytes:
        """Send bytes as they are; what comes back until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), WITHIN_S) as made:
            made.sendall(request)
            got = b""
            while chunk := made.recv(65536):
                got += chunk
        return got


@contextmanager
def serving(config: Path, *before: str) -> Iterator[Pages]:
    command = [*before, *TONGZHAN, "ledger", "serve", "--config", str(config)]
    log_file = config.with_suffix(".log")
    with log_file.open("w") as log, subprocess.Popen(command, stderr=log, text=True) as process:
        try:
            pages = Pages(load_ledger(config).url, process, log_file)
            until(
                lambda: process.poll() is not None or answers(f"{pages.url}/healthz"),
                "the pages answer",
                COMMAND_WITHIN_S,
            )
            assert process.poll() is None, log_file.read_text()
            yield pages
        finally:
            process.kill()


@pytest.fixture
def pages(config: Path) -> Iterator[Pages]:
    with serving(config) as served:
        yield served


def odd_requests(path: str) -> list[bytes]:
    """Requests that reach a statement's address in a way that no browser would."""
    encoded = path.replace("/", "%2F")
    lines = [f"{method} {path}" for method in ("POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE")]
    lines += [f"GET {path}{suffix}" for suffix in ("x", "/x", "?lang=xx&before=" + "9" * 40, "%00", "%0a")]
    lines += [f"GET {path[:-1]}", f"GET /{path}", f"GET {encoded}", f"GET {path.upper()}", f"BREW {path}"]
    lines += [f"GET http://127.0.0.1{path}", f"GET {path}index.html", f"GET /static{path}"]
    whole = [f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" for line in lines]
    whole += [
        f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n",
        f"GET {path} HTTP/9\r\n\r\n",
        f"POST /office/login/ HTTP/1.0\r\nHost: 127.0.0.1\r\nReferer: http://127.0.0.1{path}\r\n\r\n",
        f"GET /office/login/?next={path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    ]
    return [request.encode() for request in whole]


def test_no_odd_request_brings_a_statements_token_into_the_log(pages: Pages, town: Town) -> None:
    path = "/" + statement_link(add_household(town.community, "3-2-501")).split("/", 3)[3]
    token = path.split("/")[2]
    connection.close()
    said = [pages.send(request) for request in odd_requests(path)]
    assert [answer[:9] for answer in said] == [b"HTTP/1.1 "] * len(said)
    assert {answer[9:12] for answer in said} >= {b"400", b"403", b"404", b"405"}
    with closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as database:
        database.execute("UPDATE stations_community SET timezone = 'No/Where'")
        database.commit()
    failed = pages.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    assert failed.startswith(b"HTTP/1.1 500")
    log = pages.stopped()
    assert "500 for GET /statement/<str:token>/" in log
    assert "Traceback" in log
    assert "403 for POST /statement/<str:token>/" in log
    assert "405 for OPTIONS /statement/<str:token>/" in log
    assert token.rpartition(":")[2].lower() not in log.lower()


def test_requests_that_do_not_end_keep_nobody_from_the_pages_and_are_a_line_in_the_log(
    config: Path, town: Town
) -> None:
    path = "/" + statement_link(add_household(town.community, "3-2-501")).split("/", 3)[3]
    connection.close()
    with serving(config, "bash", "-c", 'ulimit -n 512; exec "$@"', "bash") as pages:
        held = [socket.create_connection(("127.0.0.1", pages.port), WITHIN_S) for _ in range(600)]
        try:
            for one in held:
                try:
                    one.sendall(b"GET / HTTP/1.1\r\nX: ")
                except ConnectionError:
                    continue
            assert httpx.get(pages.url + path, timeout=WITHIN_S).status_code == 200
        finally:
            for one in held:
                one.close()
        log = pages.stopped()
    assert len(log.splitlines()) < 10, log
    assert re.search(r"connections closed: \d+ beyond 32 of one address", log)


def test_of_many_sign_ins_at_once_a_few_are_checked_and_the_rest_told_when_to_try_again(
    pages: Pages, town: Town
) -> None:
    path = "/" + statement_link(add_household(town.community, "3-2-501")).split("/", 3)[3]
    connection.close()
    login = f"{pages.url}/office/login/"
    with httpx.Client(timeout=COMMAND_WITHIN_S) as client:
        shown = client.get(login).text
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', shown)
        form = {"username": "wang", "password": "guessed", "csrfmiddlewaretoken": token}
        with ThreadPoolExecutor(30) as pool:
            tries = [pool.submit(client.post, login, data=form) for _ in range(30)]
            assert client.get(pages.url + path).status_code == 200
            answers_ = [one.result() for one in tries]
    refused = [answer for answer in answers_ if answer.status_code == 429]
    assert len(refused) >= 30 - ADDRESS.free - 7, "after ten free tries a minute has room for seven more"
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)


SECURE = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Host": "points.example.org"}


@pytest.mark.parametrize(
    ("proxies", "hsts"),
    [('["127.0.0.1"]', "max-age=31536000"), ('["192.0.2.1"]', None)],
    ids=["its", "not its"],
)
def test_a_browser_that_came_by_the_proxys_tls_is_told_to_insist_on_it(
    config: Path, proxies: str, hsts: str | None
) -> None:
    port = load_ledger(config).pages.port
    host = "points.example.org"
    further = f'public_url = "https://{host}"\nproxies = {proxies}\nallowed_hosts = ["{host}", '
    config.write_text(config.read_text().replace("allowed_hosts = [", further))
    command = [*TONGZHAN, "ledger", "serve", "--config", str(config)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: answers(f"{url}/healthz"), "the pages answer", COMMAND_WITHIN_S)
            headers = httpx.get(f"{url}/?lang=en", headers=SECURE, timeout=WITHIN_S).headers
            assert headers.get("Strict-Transport-Security") == hsts
            assert ("Secure" in headers["Set-Cookie"]) == (hsts is not None)
            assert "Strict-Transport-Security" not in httpx.get(url, timeout=WITHIN_S).headers
        finally:
            process.kill()
