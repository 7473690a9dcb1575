"""`tongzhan classify`: the model's verdict on photos, one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from config.sorting import Sorting
from models.runtime import Classifier

BAD_INPUT = 2


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PHOTO...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="A bundle's folder; the shipped one if absent."
)
@click.option(
    "--sorting", "rules", default="beijing", show_default=True, help="A city's name, or a TOML file."
)
@click.option(
    "--threads",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="Threads of the model.",
)
def classify(
    photos: tuple[Path, ...], *, as_json: bool, bundle: Path | None, rules: str, threads: int
) -> None:
    """Say which category each PHOTO shows, how sure the model is, and how many milliseconds it took.

    Exit status 2 if any file is not a picture; the others are still classified.
    """
    from config.process.library_lines import library_lines
    from config.reading.load_sorting import load_sorting
    from models.bundle import SHIPPED_BUNDLE
    from models.runtime import load_classifier

    sorting = load_sorting(rules)
    classifier = load_classifier(bundle or SHIPPED_BUNDLE, sorting, threads)
    answers = []
    with library_lines():
        for answer in _answers(classifier, photos):
            answers.append(answer)
            if not as_json:
                click.echo(_line(answer, sorting))
    if as_json:
        click.echo(msgspec.json.encode(answers))
    if any("error" in answer for answer in answers):
        click.get_current_context().exit(BAD_INPUT)


def _answers(classifier: Classifier, photos: Sequence[Path]) -> Iterator[dict[str, Any]]:
    from models.pictures import PictureError, read_picture

    for path in photos:
        start = time.perf_counter()
        try:
            verdict = classifier.classify([read_picture(path)])
        except PictureError as error:
            yield {"path": str(path), "error": str(error)}
            continue
        yield {
            "path": str(path),
            "state": verdict.state,
            "category": verdict.category,
            "label": verdict.label,
            "probability": round(verdict.probability, 4),
            "ms": round((time.perf_counter() - start) * 1000, 1),
        }


def _line(answer: dict[str, Any], sorting: Sorting) -> str:
    if "error" in answer:
        return f"error: {answer['error']}"
    category = answer["category"]
    said = f"{sorting.category[category].zh} {category}" if category else str(answer["state"])
    label = f" ({answer['label']})" if answer["label"] else ""
    return f"{answer['path']}: {said}{label} {answer['probability']:.0%}, {answer['ms']:.0f} ms"
