from __future__ import annotations

import pytest

from config.errors import InputError
from config.reading.hosts import check_host, host_problem


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "::1",
        "fe80::1",
        "localhost",
        "broker.example.org",
        "ledger",
        "a-b.c1",
        "my_pi.local",
        "xn--p8jb.example",
        "3com.example",
    ],
)
def test_names_and_addresses_are_hosts(name: str) -> None:
    assert host_problem(name) is None


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("", "give a name or an address"),
        ("  ", "give a name or an address"),
        ("mqtt://broker.example.org:8883/", "give only the host: broker.example.org"),
        ("broker.example.org:8883", "give only the host: broker.example.org"),
        ("user@broker", "give only the host: broker"),
        ("broker/path", "give only the host: broker"),
        ("a.example,b.example", "give one name"),
        ("a.example b.example", "give one name"),
        ("broker\n", "give one name"),
        ("[::1]", "give it without brackets and zone: ::1"),
        ("[::1]:8883", "give it without brackets and zone: ::1"),
        ("fe80::1%eth0", "give it without brackets and zone: fe80::1"),
        ("broker.example.org.", "leave it out: broker.example.org"),
        ("a..b", "single dots between"),
        (".a", "single dots between"),
        ("-a.b", "single dots between"),
        ("a" * 64, "single dots between"),
        (".".join(["a" * 60] * 5), "single dots between"),
        ("账本.例子", "give it as xn--"),
        ("账本..例子", "give it as letters"),
        ("256.1.1.1", "give four numbers"),
        ("192.168.1", "give four numbers"),
        ("*", "single dots between"),
    ],
)
def test_a_name_that_is_not_just_a_host_is_refused_with_its_mend(name: str, mend: str) -> None:
    with pytest.raises(InputError) as caught:
        check_host(name, "--host")
    assert str(caught.value).startswith("--host: ")
    assert mend in caught.value.mend
