"""`tongzhan station check`: prints one line for each part: state, observation and mend."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from config.process.library_lines import library_lines
from config.station import Devices, Language, StationSettings
from edge.check.devices import CheckOptions
from edge.check.finding import Finding, Line, Texts
from edge.station_file import load_station

ICONS = {"ok": "✓", "doubtful": "!", "failed": "✗"}
FAILED = 1
TAPS_S = 15.0


@click.command()
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The station's station.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.option("--taps", is_flag=True, help="Wait 15 s for a card at every reader.")
@click.option("--move", is_flag=True, help="Open and shut every lid once: keep hands away.")
@click.option(
    "--language",
    type=click.Choice([language.value for language in Language]),
    help="The station's own language if absent.",
)
def check(config: Path, *, as_json: bool, taps: bool, move: bool, language: str | None) -> None:
    """Check every part of a station: keys, disk, clock, model, broker, ledger, readers, lids, cameras.

    Nothing moves without --move. Exit status 1 if a part failed that the station cannot work without.
    While the station runs, this shows what the station reports of its devices: stop it to test them.
    """
    from edge.check.devices import CheckOptions
    from edge.check.finding import Level, line, load_texts

    settings = load_station(config)
    texts, spoken = load_texts(), Language(language or settings.station.language)
    wanted = CheckOptions(taps_s=TAPS_S if taps else 0.0, move=move)
    with _silence(), library_lines():
        findings = look(settings, wanted, lambda key: _tell(texts, key, spoken))
    lines = [line(finding, texts, spoken) for finding in findings]
    is_well = all(each.state is not Level.FAILED for each in lines)
    if as_json:
        click.echo(msgspec.json.encode({"ok": is_well, "parts": lines}))
    else:
        click.echo(table(lines, texts, spoken))
    if not is_well:
        click.get_current_context().exit(FAILED)


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress the log: the findings report what a driver would log."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def look(settings: StationSettings, wanted: CheckOptions, tell: _Tell) -> list[Finding]:
    """Check every part, devices last."""
    from config.words import load_words
    from edge.check.broker import check_broker
    from edge.check.devices import when_heard
    from edge.check.finding import Finding, Level
    from edge.check.ledger import check_ledger
    from edge.check.running import judge_running, running_state
    from edge.check.system import check_system
    from edge.faults import FaultCode
    from edge.loop.clocks import RealClock

    clock, words = RealClock(), load_words()
    found = [*check_system(settings, clock), Finding("speaker", Level.OK, "speaker_silent")]
    found += [check_broker(settings), check_ledger(settings, clock)]
    live = running_state(settings)
    if live is not None:
        is_foreign = any(one.says == "journal_foreign" for one in found)
        explained = frozenset({FaultCode.JOURNAL_FAILED} if is_foreign else ())
        return found + judge_running(settings, live, words, when_heard(settings, clock), explained)
    if settings.station.devices is Devices.SIMULATED:
        return [*found, Finding("devices", Level.OK, "simulated")]
    return found + _devices(settings, wanted, tell)


def _devices(settings: StationSettings, wanted: CheckOptions, tell: _Tell) -> list[Finding]:
    from config.errors import InputError
    from config.words import load_words
    from edge.check.devices import check_devices
    from edge.check.finding import Finding, Level
    from edge.loop.clocks import RealClock
    from edge.main import real_surroundings
    from edge.sync.keys import CARD_KEY, read_key

    try:
        card_key = read_key(Path(settings.station.state_dir) / CARD_KEY)
        around = real_surroundings(settings, card_key)
    except InputError as problem:
        values = {"reason": problem.what, "mend": problem.mend}
        return [Finding("devices", Level.FAILED, "refused", values=values)]
    return check_devices(settings, around.build_hardware, RealClock(), wanted, load_words(), tell)


def table(lines: Sequence[Line], texts: Texts, language: Language) -> str:
    """Return a line for each part: state, name, observation, mend."""
    rows = []
    for each in lines:
        state = texts.state[each.state].within(language)
        mend = f" → {each.mend}" if each.mend else ""
        rows.append(f"{ICONS[each.state]} {_wide(state, 7)} {_wide(each.part, 16)} {each.seen}{mend}")
    return "\n".join(rows)


def _wide(text: str, columns: int) -> str:
    """Pad a text to a number of terminal columns; a Chinese character takes two."""
    taken = sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)  # noqa: PLR2004 - where CJK begins
    return text + " " * (columns - taken)


def _tell(texts: Texts, key: str, language: Language) -> None:
    click.echo(texts.says[key].seen.within(language), err=True)


_Tell = Callable[[str], None]
