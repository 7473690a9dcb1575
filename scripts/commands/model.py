"""`tongzhan model`: train and measure the waste model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from config.errors import InputError
from config.reading.files import mend_of
from models.training.domain_shift.curves import Curves
from models.training.domain_shift.leave_one_out import LeftOut
from models.training.evaluation.evaluate import Evaluation

VERSION = "0.4"
"""Default version of a trained bundle."""
STEPS = 700
"""About four passes over each photo; a step takes about 2.4 seconds of one core."""


@click.group()
def model() -> None:
    """Train and evaluate the waste model."""


def _training(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options shared by all commands that read training photos."""
    for option in (
        click.option(
            "--threads",
            type=click.IntRange(1, 64),
            default=2,
            show_default=True,
            help="Processor threads to use.",
        ),
        click.option(
            "--cache",
            type=click.Path(path_type=Path),
            default=Path("training-cache"),
            show_default=True,
            help="Folder of finished work, reused by the next run; 3 GB for 12,000 photos.",
        ),
        click.option(
            "--photos",
            required=True,
            type=click.Path(path_type=Path),
            help="A folder with index.csv, or with folders named by category.",
        ),
    ):
        command = option(command)
    return command


@model.command()
@_training
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the bundle.")
@click.option("--version", default=VERSION, show_default=True, help="The new bundle's version.")
@click.option(
    "--steps",
    type=click.IntRange(0, 100_000),
    default=STEPS,
    show_default=True,
    help="How long to tune the last blocks; 0 leaves them as trained on ImageNet.",
)
def train(photos: Path, cache: Path, threads: int, out: Path, version: str, steps: int) -> None:
    """Train on labelled photos and write a bundle: ONNX file, manifest, model card.

    After Ctrl-C or a power cut, start it again: it resumes where it stopped.
    """
    from models.training.bundling.package import Workspace
    from models.training.learning.tune import Schedule
    from models.training.train import Plan
    from models.training.train import train as run

    manifest = run(Workspace(photos, out, cache, version, threads), Plan(schedule=Schedule(steps)))
    figures = manifest.metrics
    click.echo(f"{manifest.title} in {out}: {figures.accuracy:.1%} of {figures.photos} test photos right")


@model.command()
@_training
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list; with --curve an object.")
@click.option(
    "--curve",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also measure the gain of more sources and more photos, and draw it to this PNG.",
)
def loso(photos: Path, cache: Path, threads: int, *, as_json: bool, curve: Path | None) -> None:
    """Leave one source out: fit a linear head without each source in turn and measure it on that source.

    With --curve, do this for every choice of sources and for shares of the photos: about eighty heads.
    """
    from rich.console import Console

    from models.training.domain_shift.measure import load_domain_shift
    from models.training.progress import progress

    with progress(Console(stderr=True)) as bar:
        shift = load_domain_shift(photos, cache, threads, bar)
        rows = shift.left_out()
        curves = shift.curves(bar) if curve else None
    if as_json:
        click.echo(msgspec.json.encode({"left_out": rows, "curves": curves} if curves else rows).decode())
    else:
        click.echo(_left_out(rows))
    if curve and curves:
        click.echo(_curves(curves, curve), err=as_json)


def _curves(curves: Curves, picture: Path) -> str:
    from models.training.bundling.card import shares_table, unseen_table
    from models.training.domain_shift.plot import save_curves

    _save(lambda: save_curves(curves, "A linear layer on ImageNet's features", picture), picture, "--curve")
    tables = unseen_table(curves.trials), shares_table(curves.drawn)
    return "\n\n".join(["", *tables, f"picture: {picture}"])


def _left_out(rows: Sequence[LeftOut]) -> str:
    lines = []
    for row in rows:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in row.recall.items())
        lines.append(f"{row.source:<22}{row.photos:>6} photos {row.accuracy:>7.1%}   {shares}")
    return "\n".join(lines)


@model.command()
@click.argument("photos", type=click.Path(path_type=Path), metavar="INDEX_OR_FOLDER")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="A bundle's folder; the shipped one if absent."
)
@click.option(
    "--sorting", "rules", default="beijing", show_default=True, help="A city's name, or a TOML file."
)
@click.option(
    "--split",
    "part",
    type=click.Choice(["all", "train", "calibration", "test"]),
    default="all",
    show_default=True,
    help="Only the photos that this version's training puts into one split.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("evaluation.png"),
    show_default=True,
    help="Without --json: file for the picture of confusion, coverage and reliability.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Threads of the model.",
)
def evaluate(  # noqa: PLR0913 - a command's options
    photos: Path, *, as_json: bool, bundle: Path | None, rules: str, part: str, picture: Path, threads: int
) -> None:
    """Measure a bundle on labelled photos: an index.csv with path,category, or folders named by category.

    Prints a table and draws a PNG, or only prints JSON.
    """
    from config.reading.load_sorting import load_sorting
    from models.bundle import SHIPPED_BUNDLE
    from models.runtime import load_classifier
    from models.training.dataset.photos import Split, read_photos, split
    from models.training.dataset.taxonomy import load_taxonomy
    from models.training.evaluation.evaluate import coarse_probabilities, evaluation_of, truth_of

    chosen = read_photos(photos)
    if part != "all":
        chosen = split(chosen, load_taxonomy())[Split(part)]
    classifier = load_classifier(bundle or SHIPPED_BUNDLE, load_sorting(rules), threads)
    with click.progressbar(length=len(chosen), label="classifying", file=sys.stderr) as bar:
        coarse = coarse_probabilities(classifier, chosen, bar.update)
    truth = truth_of(chosen)
    report = evaluation_of(coarse, truth)
    if as_json:
        click.echo(msgspec.json.encode(report))
        return
    from models.training.evaluation.plots import save_picture

    click.echo(_table(report))
    title = f"{classifier.manifest.title} on {len(chosen)} photos"
    _save(lambda: save_picture(coarse, truth, title, picture), picture, "--picture")
    click.echo(f"\npicture: {picture}")


def _save(draw: Callable[[], None], path: Path, option: str) -> None:
    try:
        draw()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror})", f"{mend_of(error, path)} with {option}"
        ) from None


def _table(report: Evaluation) -> str:
    lines = [
        f"photos                    {report.photos}",
        f"accuracy                  {report.accuracy:.1%}",
        f"macro-F1                  {report.macro_f1:.3f}",
        f"calibration error         {report.ece:.3f}",
        f"coverage at 1 % error     {report.coverage_at_1pct_error:.1%}",
        f"accuracy at 85 % coverage {report.accuracy_at_85pct_coverage:.1%}",
        "",
        "true \\ predicted " + "".join(f"{name:>11}" for name in report.confusion) + "     recall",
    ]
    for name, row in report.confusion.items():
        recall = f"{report.recall[name]:.1%}" if name in report.recall else "-"
        lines.append(f"{name:<17}" + "".join(f"{count:>11}" for count in row.values()) + f"{recall:>11}")
    return "\n".join(lines)
