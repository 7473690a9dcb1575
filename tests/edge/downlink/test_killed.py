"""SIGKILL while a roster is replaced: afterwards the old one is there, or the new one, never a part."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from cloud_sync.wire.publication import PublishedKind
from edge.downlink.folder import DownFolder
from tests.waiting import WITHIN_S, until

KILLS = 12
WRITER = """
import sys
from pathlib import Path
from cloud_sync.wire.publication import PublishedKind
from edge.downlink.applying import Held
from edge.downlink.folder import DownFolder
folder = DownFolder(Path(sys.argv[1]), "lane")
version = int(sys.argv[2])
while True:
    version += 1
    folder.write(PublishedKind.ROSTER, Held(version, (b"%d," % version) * 40_000))
"""


def test_a_kill_at_any_moment_leaves_a_whole_roster_and_versions_never_go_back(tmp_path: Path) -> None:
    folder = DownFolder(tmp_path, "lane")
    moments = random.Random(7)
    last = 0
    for _ in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(last)])
        try:
            until(lambda was=last: folder.read(PublishedKind.ROSTER).version > was, "a write", WITHIN_S)  # type: ignore[misc]
            time.sleep(moments.uniform(0.0, 0.02))
        finally:
            writer.kill()
            writer.wait(WITHIN_S)
        held = folder.read(PublishedKind.ROSTER)
        assert held.version > last
        assert held.content == b"%d," % held.version * 40_000
        last = held.version
