"""Lay pictures that tests kept onto contact sheets: `python -m tests.contact_sheets FOLDER`.

TONGZHAN_SHOTS=FOLDER makes the tests that call `tests.looks.look` keep them. Their names end in a language
and a size, and a sheet holds pictures that have both in common.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from click import echo
from PIL import Image, ImageDraw

SHEETS = "sheets"
WIDTH, HEIGHT, GAP, CAPTION = 1400, 1320, 10, 14
TILE = (450, 620)
"""A picture is made smaller until it fits."""
TALLEST = 4
"""Of a page that is longer than so many times its width, the beginning is shown."""
GROUND, INK = "#777777", "#ffffff"
Cell = tuple[str, Image.Image]


def cells(files: Iterable[Path]) -> Iterator[Cell]:
    """Give each picture with its name, small enough for a sheet."""
    for file in files:
        with Image.open(file) as opened:
            width, height = opened.size
            picture = opened.convert("RGB").crop((0, 0, width, min(height, TALLEST * width)))
        picture.thumbnail(TILE, Image.Resampling.LANCZOS)
        yield file.stem, picture


def sheets(found: Iterable[Cell]) -> Iterator[Image.Image]:
    """Lay pictures in rows from the left, and begin a new sheet when one is full."""
    sheet, x, y, row = _blank(), GAP, GAP, 0
    for name, picture in found:
        if x + picture.width > WIDTH - GAP:
            x, y, row = GAP, y + row + GAP, 0
        if y > GAP and y + CAPTION + picture.height > HEIGHT - GAP:
            yield sheet.crop((0, 0, WIDTH, y + row + GAP))
            sheet, x, y, row = _blank(), GAP, GAP, 0
        ImageDraw.Draw(sheet).text((x, y), name, INK)
        sheet.paste(picture, (x, y + CAPTION))
        x, row = x + picture.width + GAP, max(row, CAPTION + picture.height)
    yield sheet.crop((0, 0, WIDTH, y + row + GAP))


def _blank() -> Image.Image:
    return Image.new("RGB", (WIDTH, HEIGHT), GROUND)


def main(folder: Path) -> None:
    """Write the sheets into a folder of their own beside the pictures."""
    (folder / SHEETS).mkdir(exist_ok=True)
    groups: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*.png")):
        kind = file.stem.partition("-")[0]
        groups.setdefault(".".join([kind, *file.stem.split(".")[1:]]), []).append(file)
    for group, files in groups.items():
        for number, sheet in enumerate(sheets(cells(files)), 1):
            out = folder / SHEETS / f"{group}.{number}.png"
            sheet.save(out)
            echo(str(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
