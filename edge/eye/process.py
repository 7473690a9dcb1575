"""The eye's composition root: builds the cameras, the model and the socket of the eye process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom
from zoneinfo import ZoneInfo

from cloud_sync.service.systemd import Notifier
from config.process.threads import thread
from config.station import CameraSection, Devices, StationSettings
from edge.eye.camera import UsbCamera, VideoDevice, open_capture
from edge.eye.camera_router import CameraRouter
from edge.eye.classifier import LateEye, Unseeing, open_model
from edge.eye.clips.child import MakerProcess
from edge.eye.clips.choose import Budget
from edge.eye.clips.mask import inside_of, masked, within
from edge.eye.clips.recorder import ClipBin, ClipRules, Recorder
from edge.eye.clips.retention import Keeping
from edge.eye.clips.store import ClipStore
from edge.eye.crop import Crop
from edge.eye.outbound import EyeOutbound
from edge.eye.server import EyeServer, Organs, WatchfulCamera
from edge.loop.clocks import RealClock
from edge.ports import Clock
from edge.screen.state import LiveFolder
from models.pixels import encode_jpeg

MB = 1_000_000

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
        organs = Organs(camera, model, shower(runtime, settings), _clips(settings, camera, outbound, closing))
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


def shower(runtime: Path, settings: StationSettings) -> Callable[[str, Crop], None]:
    """Return a function that writes a bin's picture into the runtime folder, where the panel reads it.

    What lies outside the bin's tray is masked: people stand there, and everybody can see the screen.
    """
    folder = LiveFolder(runtime)
    trays = {bin_.id: bin_.tray for bin_ in settings.bin}

    def show(bin_id: str, crop: Crop) -> None:
        picture = crop.picture
        if trays.get(bin_id):
            height, width = picture.shape[:2]
            picture = masked(picture, inside_of(within(trays[bin_id], crop.box), width, height))
        folder.write_picture(encode_jpeg(picture))

    return show


def _clips(
    settings: StationSettings, camera: WatchfulCamera, outbound: EyeOutbound, closing: ExitStack
) -> Recorder | None:
    """Start what keeps clips; None if no bin has a tray."""
    bins = {
        bin_.id: ClipBin(bin_.category, bin_.tray, bin_.region)
        for bin_ in settings.bin
        if bin_.tray and bin_.camera is not None
    }
    unseen = [bin_.id for bin_ in settings.bin if bin_.camera is not None and bin_.id not in bins]
    if unseen:
        log.info("no clips of %s: station.toml does not say where their tray is", ", ".join(unseen))
    if not bins:
        return None
    place, clips, maker = settings.station, settings.clips, MakerProcess()
    rules = ClipRules(
        place.community,
        place.name,
        ZoneInfo(place.timezone),
        bins,
        Budget(clips.daily, clips.random_share),
        Keeping(clips.keep_hours * 3600, clips.most_mb * MB, clips.leave_mb * MB),
    )
    store = ClipStore(Path(place.state_dir))
    recorder = Recorder(rules, camera.past, store, maker.make, RealClock(), outbound, random=SystemRandom())
    closing.callback(recorder.stop)
    closing.callback(maker.stop)  # before it
    recorder.start()
    return recorder


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
        trays = [bin_.tray for bin_ in settings.bin if bin_.camera == section.id and bin_.tray]
        camera = UsbCamera(section, regions, clock, outbound, opener, trays=trays)
        cameras[section.id] = camera
        closing.callback(camera.stop)
        camera.start()
    return CameraRouter({bin_.id: cameras[bin_.camera] for bin_ in settings.bin if bin_.camera is not None})
