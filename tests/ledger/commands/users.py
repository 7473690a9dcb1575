"""The users that docs/operate.md and the units name, as numbers: no test adds users to a machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache

from tests.conftest import CHECKOUT

IDS = {"tongzhan": 61_101, "tongzhan-ledger": 61_102}
PERSON = 61_100
"""Who types: may become others by sudo, and is nobody."""
MAY_SUDO = "--inh-caps=+setuid,+setgid", "--ambient-caps=+setuid,+setgid"

SUDO = f"""user=0
if [ "$1" = -u ]; then
  case $2 in
    {" ".join(f"{name}) user={number} ;;" for name, number in IDS.items())}
    *) echo "sudo: unknown user $2" >&2; exit 1 ;;
  esac
  shift 2
fi
exec setpriv --reuid $user --regid $user --clear-groups --inh-caps=-all --ambient-caps=-all "$@"
"""
USERADD = '[ "$(id -u)" = 0 ] || { echo "useradd: permission denied" >&2; exit 1; }'
INSTALL = f"""given=()
for word in "$@"; do
  case $word in {" ".join(f"{name}) word={number} ;;" for name, number in IDS.items())} esac
  given+=("$word")
done
exec /usr/bin/install "${{given[@]}}"
"""


BECOME = ["setpriv", "--reuid", str(PERSON), "--regid", str(PERSON), "--clear-groups"]
NOTHING_MORE = ["--inh-caps=-all", "--ambient-caps=-all"]
LIBRARIES = f"{CHECKOUT}:{sysconfig.get_paths()['purelib']}"
"""PYTHONPATH by which any Python of our version has this checkout and what it needs."""


@cache
def their_python() -> str | None:
    """A Python that they can run; None if we may not become them, or they cannot read this checkout."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    installed = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    return next(filter(_runs, (sys.executable, installed)), None)


def _runs(python: str) -> bool:
    # By way of a shell: setpriv itself still has root's rights over files when it starts a program.
    look = 'exec "$0" -c "import config, django, cryptography"'
    looks = [*BECOME, *NOTHING_MORE, "bash", "-c", look, python]
    environment = {"PYTHONPATH": LIBRARIES, "PATH": os.environ["PATH"]}
    return subprocess.run(looks, env=environment, stderr=subprocess.DEVNULL, check=False).returncode == 0
