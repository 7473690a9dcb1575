"""A station that vanishes from a real broker is offline in the ledger, with its last words."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime

from cloud_sync.ledger.fleet.states import BOX, States
from cloud_sync.ledger.fleet.status import Condition, StationNow, standing_of
from cloud_sync.transport.mailbox import Mailbox
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from config.station import CloudSection
from tests.engines import BOTH, Engine
from tests.ledger.town import Town
from tests.waiting import until

pytestmark = BOTH
STATION = """
import sys, time
import msgspec
from cloud_sync.transport.mqtt import MqttLink, Will
from cloud_sync.wire import topics
from cloud_sync.wire.station_state import StationState
from config.station import CloudSection
topic = topics.state("sunny-garden", "gate")
def gone(number):
    return msgspec.json.encode(StationState(online=False, start=7, connection=number))
link = MqttLink(CloudSection(port=int(sys.argv[1])), "gate", (), will=Will(topic, gone))
link.start()
while not link.connected:
    time.sleep(0.01)
said = StationState(online=True, start=7, connection=link.attempts, sequence=1, outbox=17)
link.publish(topic, msgspec.json.encode(said), retain=True)
sys.stdin.read()
"""


def test_a_killed_station_is_offline_with_the_records_that_wait_there(engine: Engine, town: Town) -> None:
    town.station("gate")
    box = Mailbox(topics.state("+", "+"), BOX)
    ledger = MqttLink(CloudSection(port=engine.broker.port), "ledger-town", (), mailboxes=[box])
    ledger.start()
    states = States(box, lambda: datetime.now(UTC), time.monotonic)

    def now() -> StationNow:
        states.turn()
        return standing_of(town.community, "gate", datetime.now(UTC))

    command = [sys.executable, "-c", STATION, str(engine.broker.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as station:
        try:
            until(lambda: now().condition is Condition.ONLINE)
        finally:
            station.kill()
    until(lambda: now().condition is Condition.OFFLINE)
    one = now()
    ledger.stop()
    assert one.heard_at is not None
    assert one.words.outbox == 17
