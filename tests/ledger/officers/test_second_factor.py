"""The second factor: codes of a phone at given times, each once; recovery codes; admins must have one."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zxingcpp
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from PIL import Image, ImageDraw

from cloud_sync.ledger.audit.models import AuditEntry
from cloud_sync.ledger.officers.factor import codes
from cloud_sync.ledger.officers.rights import Deed, OfficerRole
from cloud_sync.ledger.officers.throttle import CODE
from config.errors import InputError
from tests.ledger.signing_in import code_of, new_officer, signed_in
from tests.ledger.town import NOW, Town

Run = Callable[..., subprocess.CompletedProcess[str]]
KEY = "3132333435363738393031323334353637383930"
"""The key of the examples in RFC 6238."""


@pytest.fixture
def wang(database: str) -> User:
    assert database
    new_officer("wang", OfficerRole.ADMIN)
    return User.objects.get(username="wang")


@pytest.fixture
def phone(wang: User) -> list[str]:
    """The recovery codes of wang, whose phone is set up."""
    made = codes.set_up(wang, KEY, code_of(KEY, NOW), NOW)
    assert made is not None
    return made


def test_the_codes_are_those_of_the_rfc() -> None:
    examples = {59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"}
    assert {at: code_of(KEY, datetime.fromtimestamp(at, UTC)) for at in examples} == examples


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize(
    ("late_s", "is_taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_code_may_be_half_a_minute_early_or_late(wang: User, late_s: int, *, is_taken: bool) -> None:
    later = NOW + timedelta(minutes=10)
    code = code_of(KEY, later - timedelta(seconds=late_s))
    assert (codes.check(wang, code, later) is not None) is is_taken


@pytest.mark.usefixtures("phone")
def test_a_code_is_taken_once_and_none_before_it_either(wang: User) -> None:
    later = NOW + timedelta(minutes=10)
    assert codes.check(wang, code_of(KEY, later), later) is not None
    assert codes.check(wang, code_of(KEY, later), later) is None
    assert codes.check(wang, code_of(KEY, later - timedelta(seconds=30)), later) is None
    assert codes.check(wang, code_of(KEY, NOW), NOW) is None, "the code that set it up"
    after = later + timedelta(seconds=30)
    assert codes.check(wang, code_of(KEY, after), after) is not None


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "٠٠٠٠٠٠", "-12345", "0" * 5000])
def test_what_is_no_code_is_refused(wang: User, typed: str) -> None:
    assert codes.check(wang, typed, NOW + timedelta(minutes=10)) is None


@pytest.mark.usefixtures("phone")
def test_spaces_and_full_width_digits_do_not_matter(wang: User) -> None:
    later = NOW + timedelta(minutes=10)
    code = code_of(KEY, later)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert codes.check(wang, f" {wide[:3]} {wide[3:]} ", later) is not None


def test_each_recovery_code_lets_in_once_and_is_stored_as_a_hash(wang: User, phone: list[str]) -> None:
    assert len(set(phone)) == codes.RECOVERY_CODES
    stored = set(StaticToken.objects.values_list("token", flat=True))
    assert not stored & {code.replace("-", "") for code in phone}
    assert codes.check(wang, phone[0].upper().replace("-", " "), NOW) is not None
    assert codes.check(wang, phone[0], NOW) is None
    assert StaticToken.objects.count() == codes.RECOVERY_CODES - 1
    new_officer("li", OfficerRole.ADMIN)
    assert codes.check(User.objects.get(username="li"), phone[1], NOW) is None, "another's"


def test_a_wrong_code_sets_nothing_up_and_a_second_phone_is_refused(wang: User) -> None:
    assert codes.set_up(wang, KEY, "000000", NOW) is None
    assert not TOTPDevice.objects.exists()
    assert codes.set_up(wang, KEY, code_of(KEY, NOW), NOW)
    with pytest.raises(InputError, match="has a second factor"):
        codes.set_up(wang, codes.new_key(), code_of(KEY, NOW), NOW)


def test_neither_key_nor_code_is_in_the_audit(wang: User, phone: list[str]) -> None:
    codes.reset(wang, "Li", "lost the phone", NOW)
    kept = b"".join(bytes(row.before) + bytes(row.after) for row in AuditEntry.objects.all()).decode()
    assert KEY not in kept
    assert not any(code.replace("-", "") in kept for code in phone)
    last = AuditEntry.objects.filter(deed=Deed.KEEP_SIGN_IN).latest("pk")
    assert (last.by, last.reason) == ("Li", "lost the phone")
    assert codes.device_of(wang) is None
    assert not StaticToken.objects.exists()
    with pytest.raises(InputError, match="no second factor"):
        codes.reset(wang, "Li", "again", NOW)


def by_password(role: OfficerRole) -> tuple[Client, str]:
    password = new_officer("wang", role)
    client = Client(headers={"accept-language": "en"})
    client.post("/office/login/", {"username": "wang", "password": password})
    return client, password


@pytest.mark.usefixtures("town")
def test_an_admin_sets_up_a_phone_first_and_gives_its_code_from_then_on() -> None:
    client, password = by_password(OfficerRole.ADMIN)
    for path in ("/office/", "/office/debts/", "/office/elsewhere/links/take-back/"):
        assert client.get(path).headers["Location"].startswith("/office/second-factor/?next=")
    page = client.get("/office/second-factor/?next=/office/debts/").content.decode()
    key = read_key(page)
    assert client.get("/office/second-factor/").content.decode().count(letters_of(key)) == 1, "the same key"
    wrong = client.post("/office/second-factor/", {"code": "000000"}).content.decode()
    assert "That code is wrong" in wrong
    answer = client.post(
        "/office/second-factor/", {"code": code_of(key, datetime.now(UTC)), "next": "/office/debts/"}
    ).content.decode()
    made = re.findall(r"<li><code>([a-z0-9]{5}-[a-z0-9]{5})</code>", answer)
    assert len(made) == codes.RECOVERY_CODES
    assert 'href="/office/debts/"' in answer
    assert client.get("/office/debts/").status_code == 200
    again = Client(headers={"accept-language": "en"})
    again.post("/office/login/", {"username": "wang", "password": password})
    assert again.get("/office/").status_code == 302
    asked = again.get("/office/second-factor/").content.decode()
    assert "The code from your phone" in asked
    assert letters_of(key) not in asked
    form = {"code": made[0], "next": "https://elsewhere.example/"}
    assert again.post("/office/second-factor/", form).headers["Location"] == "/office/"
    assert again.get("/office/").status_code == 200


def letters_of(key: str) -> str:
    return codes.key_in_letters(key)


def read_key(page: str) -> str:
    """The key that a phone reads from the page's QR code; the letters beside it are the same."""
    drawn = re.search(
        r'<svg viewBox="0 0 (\d+) \1" class="segno">.*?<path class="qrline" [^>]*d="([^"]*)"', page
    )
    assert drawn is not None
    side = int(drawn[1])
    picture = Image.new("L", (side, side), 255)
    draw, x, y = ImageDraw.Draw(picture), 0.0, 0.0
    for verb, words in re.findall(r"([Mmh])([^Mmh]*)", drawn[2]):
        numbers = [float(word) for word in re.findall(r"-?[\d.]+", words)]
        if verb == "h":
            left, top = x * 5, (y - 0.5) * 5
            draw.rectangle((left, top, left + numbers[0] * 5 - 1, top + 4), fill=0)
            x += numbers[0]
        elif verb == "M":
            x, y = numbers
        else:
            x, y = x + numbers[0], y + numbers[1]
    (found,) = zxingcpp.read_barcodes(picture)
    secret = re.search(r"otpauth://totp/.*[?&]secret=([A-Z2-7]+)", found.text)
    assert secret is not None
    shown = re.search(r"<code>([A-Z2-7 ]{39})</code>", page)
    assert shown is not None
    assert shown[1].replace(" ", "") == secret[1]
    return base64.b32decode(secret[1]).hex()


@pytest.mark.usefixtures("town")
def test_a_stranger_to_the_session_gets_another_key() -> None:
    client, password = by_password(OfficerRole.ADMIN)
    other = Client(headers={"accept-language": "en"})
    other.post("/office/login/", {"username": "wang", "password": password})
    first, second = (read_key(one.get("/office/second-factor/").content.decode()) for one in (client, other))
    assert first != second


@pytest.mark.usefixtures("town")
def test_others_need_no_phone_and_may_have_one() -> None:
    client, _ = by_password(OfficerRole.CLERK)
    assert client.get("/office/").status_code == 200
    key = read_key(client.get("/office/second-factor/").content.decode())
    client.post("/office/second-factor/", {"code": code_of(key, datetime.now(UTC))})
    assert client.get("/office/").status_code == 200
    assert signed_in(Client(), factor=False).get("/office/").status_code == 302


@pytest.mark.usefixtures("town")
def test_a_session_ends_with_its_phone() -> None:
    client, _ = by_password(OfficerRole.ADMIN)
    key = read_key(client.get("/office/second-factor/").content.decode())
    client.post("/office/second-factor/", {"code": code_of(key, datetime.now(UTC))})
    assert client.get("/office/").status_code == 200
    codes.reset(User.objects.get(username="wang"), "Li", "lost the phone", NOW)
    assert client.get("/office/").headers["Location"].startswith("/office/second-factor/")
    assert "Set up your second factor" in client.get("/office/second-factor/").content.decode()


@pytest.mark.usefixtures("town")
def test_guessing_at_codes_is_slowed_down_per_account() -> None:
    client, _ = by_password(OfficerRole.ADMIN)
    client.get("/office/second-factor/")
    answers = [client.post("/office/second-factor/", {"code": "000000"}) for _ in range(CODE.free + 1)]
    assert [answer.status_code for answer in answers] == [200] * CODE.free + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert "Too many tries" in answers[-1].content.decode()


@pytest.mark.usefixtures("town")
def test_nobody_comes_to_the_page_without_the_password() -> None:
    assert Client().get("/office/second-factor/").headers["Location"] == "/office/login/?next=/office/"


def test_who_moves_points_confirms_by_a_code_once_they_have_a_phone(town: Town) -> None:
    new_officer("wang", OfficerRole.ADMIN)
    client = signed_in(Client(headers={"accept-language": "en"}), confirmed=False)
    key = TOTPDevice.objects.get().key
    path = f"/office/{town.community.slug}/aside/e1/dismiss/"
    asked = client.post(path, {"reason": "why"}).content.decode()
    assert 'autocomplete="one-time-code"' in asked
    assert "That code is wrong" in client.post(path, {"reason": "why", "confirmation": "1"}).content.decode()
    code = code_of(key, datetime.now(UTC))
    assert client.post(path, {"reason": "why", "confirmation": code}).status_code == 302


def test_a_lost_phone_is_reset_by_command_with_who_and_why(town: Town, tongzhan: Run, config: Path) -> None:
    assert town.community.pk
    new_officer("wang", OfficerRole.ADMIN)
    signed_in(Client())
    command = ("ledger", "officer", "second-factor", "reset", "wang", "--config", config)
    assert "--reason" in tongzhan(*command).stderr
    listed = json.loads(tongzhan("ledger", "officer", "list", "--json", "--config", config).stdout)
    assert listed[0]["second_factor"] is True
    done = tongzhan(*command, "--by", "Li", "--reason", "lost the phone")
    assert (done.returncode, done.stdout) == (
        0,
        "wang has no second factor now and sets up another at the next sign-in\n",
    )
    assert tongzhan(*command, "--reason", "again").returncode == 2
    assert AuditEntry.objects.filter(by="Li", reason="lost the phone").exists()
