"""The inbox under signals: a handler runs on the very thread that takes, wherever that thread is."""

from __future__ import annotations

import subprocess
import sys

from tests.waiting import WITHIN_S

INTERRUPTED = """
import signal
from edge.loop.inbox import QueueInbox
from edge.messages import LidOpened

inbox, handled = QueueInbox(), []

def wake(*_):
    handled.append(1)
    inbox.wake()
    signal.setitimer(signal.ITIMER_REAL, 1e-4)

signal.signal(signal.SIGALRM, wake)
signal.setitimer(signal.ITIMER_REAL, 1e-4)
taken = 0
for number in range(50_000):
    inbox.post(LidOpened(float(number), "kitchen"))
    while (event := inbox.take(None)[0]) is None:
        pass
    assert event.at == taken
    taken += 1
signal.signal(signal.SIGALRM, signal.SIG_IGN)
assert handled
print(taken)
"""


def test_a_signal_may_wake_the_inbox_whatever_its_taker_is_about() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert (done.stdout, done.stderr) == ("50000\n", "")
