"""Labelled images: a folder for each class, or a flat folder with a file of labels."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file
from tpuc_core.images import IMAGE_SUFFIXES


class LabelledImage(NamedTuple):
    """A picture and its class, counted from 0."""

    path: Path
    label: int


def labelled_images(folder: str | Path, labels: str | Path | None = None) -> list[LabelledImage]:
    """All labelled images of a data set, in the order of their paths.

    Without `labels` the folder holds one folder a class; the classes are numbered in the order of their names. `labels`
    is a .csv with the columns `file` and `label`, or lines of "FILE LABEL", or one label a line for the images in the
    order of their names. Files are found by name, below the folder. Raises TpucError.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TpucError(f'"{folder}" is not a folder')
    found = _from_folders(folder) if labels is None else _from_file(folder, existing_file(labels))
    if not found:
        raise TpucError(f'"{folder}" holds no labelled images'
                        + ("; a flat folder needs a file of labels (--labels)" if labels is None else f' of "{labels}"'))
    return found


def choose(images: Sequence[LabelledImage], count: int, seed: int) -> list[LabelledImage]:
    """`count` of the images in a random order that the seed decides; all of them for a count below 1."""
    if count > len(images):
        raise TpucError(f"the data set has {len(images)} images, {count} were asked for")
    shuffled = list(images)
    random.Random(seed).shuffle(shuffled)
    return shuffled[:count] if count > 0 else shuffled


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)


def _from_folders(folder: Path) -> list[LabelledImage]:
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    return [LabelledImage(path, label) for label, inner in enumerate(classes) for path in _pictures(inner)]


def _from_file(folder: Path, labels: Path) -> list[LabelledImage]:
    pictures = _pictures(folder)
    try:
        lines = [line for line in labels.read_text(encoding="utf-8").splitlines() if line.strip()]
        if labels.suffix.lower() == ".csv":
            pairs = [(row["file"], int(row["label"])) for row in csv.DictReader(lines) if row["label"]]
        elif all(line.strip().lstrip("-").isdigit() for line in lines):
            if len(lines) != len(pictures):
                raise TpucError(f'"{labels}" has {len(lines)} labels, "{folder}" {len(pictures)} images')
            return [LabelledImage(path, int(line)) for path, line in zip(pictures, lines)]
        else:
            pairs = [(name, int(label)) for name, label in (line.rsplit(maxsplit=1) for line in lines)]
    except UnicodeDecodeError as error:
        raise TpucError(f'"{labels}" is not a file of labels: byte {error.start} is not UTF-8') from error
    except (KeyError, ValueError) as error:
        raise TpucError(f'"{labels}" is not a file of labels: give a .csv with the columns "file" and "label", '
                        'lines of "FILE LABEL", or one label a line') from error
    return _matched(pictures, pairs, labels)


def _matched(pictures: Sequence[Path], pairs: Sequence[tuple[str, int]], labels: Path) -> list[LabelledImage]:
    """The pictures that the file of labels names, whatever their suffixes. Where it has several files of one name, the
    folders in front of the name decide."""
    by_name: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for name, label in pairs:
        path = Path(name)
        by_name.setdefault(path.stem, []).append((path.with_suffix("").parts, label))
    found = []
    for path in pictures:
        candidates = by_name.get(path.stem, [])
        if len({label for _, label in candidates}) > 1:
            parts = path.with_suffix("").parts
            candidates = [(given, label) for given, label in candidates if parts[-len(given):] == given]
            if len({label for _, label in candidates}) != 1:
                raise TpucError(f'"{labels}" has several labels for "{path.name}", and none of them by the path "{path}"')
        if candidates:
            found.append(LabelledImage(path, candidates[0][1]))
    return found
