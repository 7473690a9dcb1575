"""Answers only requests for the panel's own names: other sites must not reach it through a browser.

Another site can point its own name to this machine (DNS rebinding); the Host header then has that name.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MISDIRECTED = 421
"""HTTP status of a request that came to the wrong server."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_STRANGE = (
    "本桶站的屏幕不用这个名字。请用 http://localhost 或本机地址打开，或用 --name 加上这个名字。\n"
    "This screen does not go by that name. Open http://localhost or this machine's address, "
    "or add the name with --name.\n"
)


def names_of(hostname: str, further: Collection[str] = ()) -> frozenset[str]:
    """Return all names of a panel on the machine `hostname`; an operator adds `further` ones."""
    own = {hostname, f"{hostname.partition('.')[0]}.local", *further}
    return LOOPBACK | {_plain(name) for name in own if name}


class OwnNames:
    """Refuses a request whose Host is neither one of `names` nor the address that was connected to."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, or answer 421 in both languages."""
        if scope["type"] != "http" or self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        await PlainTextResponse(_STRANGE, status_code=MISDIRECTED)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1:
            return False
        name = _plain(_without_port(hosts[0]))
        return name in self._names or _same_address(name, (scope.get("server") or ("", 0))[0])


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _same_address(name: str, server: str) -> bool:
    try:
        return ip_address(name) == ip_address(server.partition("%")[0])
    except ValueError:
        return False
