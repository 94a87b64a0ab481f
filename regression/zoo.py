"""Where the zoo's models and labelled images lie, and what is known about them (zoo.json)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

IMAGENET = "imagenet1k_256"


def zoo_dir() -> Path:
    """$TPUC_ZOO, else ~/.cache/tpuc-zoo."""
    return Path(os.environ.get("TPUC_ZOO") or Path.home() / ".cache" / "tpuc-zoo")


def file_sha256(path: Path) -> str | None:
    """The hash of a file, None where there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Zoo:
    """The zoo in a directory; what is missing there is fetched by fetch_zoo.py."""

    def __init__(self, directory: Path | None = None):
        self.directory = directory or zoo_dir()

    @cached_property
    def catalogue(self) -> dict[str, Any]:
        return json.loads(Path(__file__).with_name("zoo.json").read_text(encoding="utf-8"))

    def model(self, name: str) -> list[Path]:
        """The files of a model: one, or prototxt and caffemodel. FileNotFoundError where one is missing."""
        files = [self.directory / file for file in self.catalogue["models"][name]["files"]]
        for file in files:
            if not file.is_file():
                raise FileNotFoundError(f"{file} is missing: run `make zoo`")
        return files

    def images(self, folder: str = IMAGENET) -> list[Path]:
        """The images of a folder of the zoo, sorted. FileNotFoundError where it is missing."""
        files = sorted(p for p in (self.directory / "images" / folder).glob("*") if p.suffix in (".jpg", ".png"))
        if not files:
            raise FileNotFoundError(f"{self.directory / 'images' / folder} is missing: run `make zoo`")
        return files

    def labels(self, folder: str = IMAGENET) -> dict[str, int]:
        """Class by file name. ImageNet files begin with the WordNet id, whose rank among all is the class; in the other
        folders the class is the number at the end."""
        names = [image.name for image in self.images(folder)]
        if folder != IMAGENET:
            return {name: int(re.findall(r"\d+", name)[-1]) for name in names}
        ranks = {wnid: rank for rank, wnid in enumerate(sorted({name.split("_")[0] for name in names}))}
        return {name: ranks[name.split("_")[0]] for name in names}
