"""The eye's composition root: builds the cameras, the model and the socket of the eye process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from cloud_sync.service.systemd import Notifier
from config.process.threads import thread
from config.station import CameraSection, Devices, StationSettings
from edge.eye.camera import UsbCamera, VideoDevice, open_capture
from edge.eye.camera_router import CameraRouter
from edge.eye.classifier import LateEye, Unseeing, open_model
from edge.eye.outbound import EyeOutbound
from edge.eye.server import EyeServer, Organs, WatchfulCamera
from edge.loop.clocks import RealClock
from edge.messages import Photo
from edge.ports import Clock
from edge.screen.state import LiveFolder
from models.pixels import Rgb, encode_jpeg

log = logging.getLogger(__name__)

MakeModel = Callable[[StationSettings], LateEye | Unseeing]


def keep_eye(
    settings: StationSettings,
    notifier: Notifier,
    on_stop: Callable[[Callable[[], None]], None],
    opener: Callable[[CameraSection], VideoDevice] = open_capture,
    make_model: MakeModel = open_model,
) -> None:
    """Run the eye until it is stopped; `on_stop` is given the function that stops it.

    The model loads in the background; until it is ready, deposits go unseen. InputError for a model that
    does not fit the city's rules, or if another eye runs.
    """
    runtime = Path(settings.station.runtime_dir)
    outbound, clock = EyeOutbound(), RealClock()
    with ExitStack() as closing:
        model = make_model(settings) if settings.camera else Unseeing("no camera is named")
        camera = _cameras(settings, outbound, clock, opener, closing)
        organs = Organs(camera, model, shower(runtime))
        server = EyeServer([runtime], organs, outbound, clock, notifier)
        closing.callback(server.close)
        on_stop(server.stop)
        if settings.camera:
            closing.callback(model.stop)
            thread(lambda: model.load(clock, outbound), "model").start()
        seen = [bin_.id for bin_ in settings.bin if bin_.camera is not None]
        log.info("looking into %d bins: %s", len(seen), ", ".join(seen) or "no bin has a camera")
        server.run()
        notifier.stopping()


def shower(runtime: Path) -> Callable[[Photo], None]:
    """Return a function that writes a picture into the runtime folder, where the panel reads it."""
    folder = LiveFolder(runtime)
    return lambda photo: folder.write_picture(encode_jpeg(cast("Rgb", photo)))


def _cameras(
    settings: StationSettings,
    outbound: EyeOutbound,
    clock: Clock,
    opener: Callable[[CameraSection], VideoDevice],
    closing: ExitStack,
) -> WatchfulCamera:
    """Start the station's cameras: real ones, or one that draws what simulated residents throw in."""
    if settings.station.devices is Devices.SIMULATED:
        from edge.sim.photos.scene_camera import SceneCamera  # noqa: PLC0415 (no real station needs it)

        simulated = SceneCamera(settings, clock, outbound)
        closing.callback(simulated.stop)
        simulated.start()
        return simulated
    cameras = {}
    for section in settings.camera:
        regions = {bin_.id: bin_.region for bin_ in settings.bin if bin_.camera == section.id}
        cameras[section.id] = camera = UsbCamera(section, regions, clock, outbound, opener)
        closing.callback(camera.stop)
        camera.start()
    return CameraRouter({bin_.id: cameras[bin_.camera] for bin_ in settings.bin if bin_.camera is not None})
