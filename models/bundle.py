"""A model's bundle: one folder with an ONNX file and the manifest that says everything about it.

The model's bytes are read once, checked against the manifest's digest, and handed on as bytes: what
reaches ONNX Runtime is what was checked, whatever happens to the file meanwhile.
"""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.errors import InputError
from config.reading.files import mend_of
from config.sorting import Category

SHIPPED_BUNDLE = Path(__file__).parent / "waste"
"""The folder of the bundle that comes with Tongzhan."""
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
MAX_TITLE = 64
"""As many letters as an event on the wire has for a model's name."""
MAX_MODEL_BYTES = 64 << 20
_ELSEWHERE = b"\x0a\x08location"
"""Bytes that begin the reference to external data in a tensor's ONNX encoding: a StringStringEntryProto
whose key is "location" (onnx.proto, TensorProto.external_data)."""

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
"""A name inside the bundle's folder; no separators, so a manifest cannot point elsewhere."""


class BundleError(InputError):
    """A bundle that must not be used. A station that catches this runs without a model."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the manifest: an unknown key is an error."""


class ModelFile(_Part, frozen=True):
    """The ONNX file: its name in the folder, its SHA-256 and its operator set."""

    name: FileName
    sha256: Sha256
    opset: int


class Label(_Part, frozen=True):
    """One fine label: the key that sorting rules use, and what a person reads."""

    key: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
    zh: str
    en: str


class InputSpec(_Part, frozen=True):
    """The network's input: float32 (n, 3, size, size), RGB, `(pixel - mean) / std`.

    `fit` says how a picture becomes a square: scaled to fit whole, with borders of grey 127.
    """

    size: Annotated[int, Meta(ge=32, le=1024)]
    mean: float
    std: Positive
    fit: Literal["letterbox"]


class Thresholds(_Part, frozen=True):
    """`sure`: least probability of a category to be ok. `empty`: least probability of no waste."""

    sure: Share
    empty: Share


class Metrics(_Part, frozen=True):
    """What was measured on the test split, over the four categories; shares from 0 to 1.

    `coverage` is the share of photos that came out ok, `error_when_ok` the share of those that were wrong.
    """

    photos: int
    accuracy: Share
    macro_f1: Share
    recall: dict[Category, Share]
    ece: Share
    coverage: Share
    error_when_ok: Share
    coverage_at_1pct_error: Share
    accuracy_at_85pct_coverage: Share


class Golden(_Part, frozen=True):
    """The self-test: logits expected for `models.golden`'s pictures, and how far off a runtime may be."""

    logits: Annotated[tuple[tuple[float, ...], ...], Meta(min_length=1, max_length=16)]
    tolerance: Positive


class Manifest(_Part, frozen=True):
    """manifest.json. `empty` is the label for a picture without waste; it belongs to no category."""

    format: Literal[1]
    name: FileName
    version: Annotated[str, Meta(pattern=r"^[0-9A-Za-z.+-]{1,32}\Z")]
    model: ModelFile
    input: InputSpec
    labels: Annotated[tuple[Label, ...], Meta(min_length=2, max_length=256)]
    empty: str
    temperature: Positive
    thresholds: Thresholds
    metrics: Metrics
    golden: Golden

    def __post_init__(self) -> None:
        """Refuse a manifest whose parts do not fit each other."""
        keys = [label.key for label in self.labels]
        if len(set(keys)) != len(keys):
            raise ValueError("two labels share a key")
        if len(self.title) > MAX_TITLE:
            raise ValueError(f"name and version together have more than {MAX_TITLE} letters")
        if self.empty not in keys:
            raise ValueError(f"empty names no label: {self.empty}")
        if any(len(row) != len(keys) for row in self.golden.logits):
            raise ValueError("golden.logits has not one value for each label")

    @property
    def title(self) -> str:
        """Name and version, as verdicts and events carry them."""
        return f"{self.name}-{self.version}"

    @property
    def waste_labels(self) -> tuple[str, ...]:
        """The keys that sorting rules map: all labels but `empty`, in order."""
        return tuple(label.key for label in self.labels if label.key != self.empty)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A manifest and the ONNX bytes that its digest vouches for."""

    manifest: Manifest
    model: bytes


def load_bundle(folder: Path = SHIPPED_BUNDLE) -> Bundle:
    """Read a bundle and hold its model against the digest. BundleError names the file and the mend."""
    manifest = _manifest(folder / MANIFEST)
    path = folder / manifest.model.name
    model = _read(path, MAX_MODEL_BYTES)
    found = hashlib.sha256(model).hexdigest()
    if found != manifest.model.sha256:
        what = (
            f"{path} is not the file of its manifest: sha256 {found[:12]}, not {manifest.model.sha256[:12]}"
        )
        raise BundleError(what, "copy the bundle again")
    if _ELSEWHERE in model:
        raise BundleError(
            f"{path} has weights in another file, which no digest vouches for",
            "export the model with its weights inside",
        )
    return Bundle(manifest, model)


def load_labels(folder: Path = SHIPPED_BUNDLE) -> dict[str, Label]:
    """Read what a person reads for each label key of a bundle. BundleError names the file and the mend."""
    return {label.key: label for label in _manifest(folder / MANIFEST).labels}


def load_title(folder: Path = SHIPPED_BUNDLE) -> str:
    """Read the name and version of a bundle. BundleError names the file and the mend."""
    return _manifest(folder / MANIFEST).title


def _manifest(path: Path) -> Manifest:
    try:
        return msgspec.json.decode(_read(path, MAX_MANIFEST_BYTES), type=Manifest)
    except msgspec.DecodeError as error:
        raise BundleError(f"{path} is not a manifest of format 1: {error}", "copy the bundle again") from None


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        is_away = error.errno in {errno.ENOENT, errno.ENOTDIR}
        mend = "name a bundle's folder" if is_away else mend_of(error, path)
        raise BundleError(f"{path} cannot be read: {error.strerror}", mend) from None
    if len(data) > limit:
        raise BundleError(f"{path} is larger than {limit} bytes", "name a bundle's folder")
    return data
