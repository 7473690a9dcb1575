"""The screen's own texts, read from texts.toml: a name for each place on the screen."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.reading.load import load_toml
from config.station import Language
from config.words import Both

SHIPPED_TEXTS = Path(__file__).parent / "texts.toml"


class PanelTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every text of the screen; texts.toml says where each one is shown."""

    title: Both
    right: Both
    elsewhere: Both
    unsure: Both
    unseen: Both
    nothing: Both
    kept: Both
    away: Both
    away_long: Both
    away_long_why: Both
    goes_in: Both
    maybe: Both
    something: Both
    points: Both
    points_before: Both
    next: Both
    sees: Both
    no_picture: Both
    faulty: Both
    full: Both
    shut: Both
    opening: Both
    open: Both
    closing: Both
    notice: Both
    away_why: Both
    away_back: Both
    guide: Both
    example: dict[str, Both]
    """Short names of a few labels, as examples of each category."""
    fault_count: Both
    fault_count_one: Both
    faults: Both
    no_faults: Both
    fault_part: Both
    part_bin: Both
    part_reader: Both
    part_controller: Both
    part_port: Both
    part_camera: Both
    part_model: Both
    part_eye: Both
    part_station: Both
    fault_meaning: Both
    fault_mend: Both
    fault_unknown: Both
    readings: Both
    readings_note: Both
    reading_temperature: Both
    reading_supply: Both
    reading_door: Both
    door_open: Both
    door_shut: Both
    age_now: Both
    age_minutes: Both
    age_hours: Both
    age_days: Both
    fault_soon: Both
    fault_watch: Both
    outbox: Both
    roster_now: Both
    roster_minutes: Both
    roster_hours: Both
    roster_days: Both
    station_down: Both
    back: Both

    def within(self, language: Language) -> dict[str, str]:
        """Return every text in one language, by name."""
        texts = msgspec.structs.asdict(self).items()
        return {name: text.within(language) for name, text in texts if isinstance(text, Both)}


def load_texts() -> PanelTexts:
    """Load the texts that Tongzhan ships."""
    return load_toml(SHIPPED_TEXTS, PanelTexts)
