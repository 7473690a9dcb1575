"""Checks scales: what each reads, for calibration, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from config.station import BinSection
from config.words import Words
from edge.check.finding import Finding, Level
from edge.faults import CATALOGUE, Blocks, FaultCode
from edge.hardware.hardware import Hardware
from edge.hardware.weight.scale import Reading


def is_of_a_scale(code: str) -> bool:
    """Return whether a fault is a scale's: its part is a bin, like a lid fault's."""
    return CATALOGUE[FaultCode(code)].blocks is Blocks.WEIGHING


def readings(hardware: Hardware) -> dict[str, Reading]:
    """Return the scales' readings, by bin; a scale without one is left out."""
    now = {bin_id: scale.reading for bin_id, scale in hardware.scales.items()}
    return {bin_id: reading for bin_id, reading in now.items() if reading is not None}


def judge_scales(
    bins: Iterable[BinSection],
    weights: Mapping[str, Reading] | None,
    faults: Iterable[tuple[str, str]],
    words: Words,
) -> list[Finding]:
    """Judge every scale; `faults` are the (code, part) of all raised faults. Pure.

    `weights` is None if a running station has the scales: then only its faults count.
    """
    faulty = {part: code for code, part in sorted(faults) if is_of_a_scale(code)}
    found = []
    for bin_ in bins:
        if bin_.id in faulty:
            words_of = words.fault[faulty[bin_.id]]
            found.append(Finding("scale", Level.FAILED, "fault", bin_.id, fault=words_of))
        elif bin_.scale is not None and weights is None:
            found.append(Finding("scale", Level.OK, "scale_at_work", bin_.id))
        elif bin_.scale is not None and weights is not None:
            found.append(_scale(bin_.id, weights.get(bin_.id)))
    return found


def _scale(bin_id: str, reading: Reading | None) -> Finding:
    if reading is None:
        return Finding("scale", Level.FAILED, "scale_blank", bin_id)
    values = {"counts": str(reading.counts), "grams": str(reading.grams)}
    return Finding("scale", Level.OK, "scale_reads", bin_id, values)
