"""What `station check` says of scales: what each reads, to calibrate it by, or what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from config.station import BinSection
from config.words import Words
from edge.check.finding import Finding, Level
from edge.faults import CATALOGUE, Blocks, FaultCode
from edge.hardware.hardware import Hardware
from edge.hardware.weight.scale import Reading


def is_of_a_scale(code: str) -> bool:
    """Whether a fault is a scale's: its part is a bin, as that of a lid's fault is."""
    return CATALOGUE[FaultCode(code)].blocks is Blocks.WEIGHING


def readings(hardware: Hardware) -> dict[str, Reading]:
    """What scales read now, by bin, of those that read anything."""
    now = {bin_id: scale.reading for bin_id, scale in hardware.scales.items()}
    return {bin_id: reading for bin_id, reading in now.items() if reading is not None}


def judge_scales(
    bins: Iterable[BinSection],
    weights: Mapping[str, Reading] | None,
    faults: Iterable[tuple[str, str]],
    words: Words,
) -> list[Finding]:
    """Say of every scale how it is; `faults` are (code, part) of all that stand. Pure.

    `weights` is None where a running station holds the scales: its faults tell what is wrong.
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
