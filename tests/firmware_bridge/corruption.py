"""Damages frames as a wire does, and counts the damaged frames that pass for others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from firmware_bridge.link.frame import MAX_BODY, Frame, FrameDecoder, encode

Damage = Callable[[bytes, random.Random], bytes]


def flip_bits(coded: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(coded)
    for place in chance.sample(range(8 * len(coded)), chance.choice((1, 1, 2, 3))):
        damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)


def lose_bytes(coded: bytes, chance: random.Random) -> bytes:
    lost = set(chance.sample(range(len(coded)), chance.randint(1, min(4, len(coded)))))
    return bytes(byte for place, byte in enumerate(coded) if place not in lost)


def insert_bytes(coded: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(coded)
    for _ in range(chance.randint(1, 4)):
        damaged.insert(chance.randint(0, len(damaged) - 1), chance.randrange(256))
    return bytes(damaged)


def replace_bytes(coded: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(coded)
    for place in chance.sample(range(len(coded)), min(len(coded), chance.choice((1, 1, 2, 3, 4)))):
        damaged[place] = chance.randrange(256)
    return bytes(damaged)


def glue(coded: bytes, chance: random.Random) -> bytes:
    return coded[:-1] + encode(any_frame(chance))


def cut(coded: bytes, chance: random.Random) -> bytes:
    return coded[: chance.randrange(1, len(coded) - 1)] + b"\0"


def burst(coded: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(coded))
    length = chance.randint(1, 8)
    return coded[:start] + chance.randbytes(length) + coded[start + length :] + b"\0"


DAMAGES: tuple[Damage, ...] = (flip_bits, lose_bytes, insert_bytes, replace_bytes, glue, cut, burst)


def any_frame(chance: random.Random) -> Frame:
    """Make a typical frame: short, or with a body full of zeros and ones, which COBS changes most."""
    length = chance.choice((0, 1, 3, 3, 7, 12, 18, chance.randint(0, MAX_BODY)))
    alphabet = chance.choice((range(256), range(3)))
    return Frame(chance.randrange(256), chance.randrange(256), bytes(chance.choices(alphabet, k=length)))


def accepted_as_another(frames: int, seed: int) -> tuple[Counter[str], list[tuple[str, Frame, Frame]]]:
    """Damage this many frames; return how many in each way, and those that passed for another frame."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    taken: list[tuple[str, Frame, Frame]] = []
    while done.total() < frames:
        frame, damage = any_frame(chance), chance.choice(DAMAGES)
        coded = encode(frame)
        damaged = damage(coded, chance)
        if damaged != coded:
            done[damage.__name__] += 1
            taken += [
                (damage.__name__, frame, other) for other in FrameDecoder().feed(damaged) if other != frame
            ]
    return done, taken
