"""Finds the vendor's runtime library: that of a driver package where a board is, else the one with a C model."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tpuc_core.errors import TpucError

DRIVER_DIRECTORIES = (
    Path("/opt/sophon/libsophon-current/lib"),
    Path("/system/lib"),
    Path("/usr/local/lib"),
    Path("/usr/lib"),
)
DEVICE_PATTERNS = ("bm-sophon[0-9]*", "bm-tpu[0-9]*")
RUNTIME, CMODEL = "libbmrt.so", "libcmodel_bm1684x.so"


@dataclass(frozen=True)
class Library:
    """`runtime` is the file to load; `links` are names that the loader must find, with the files that they mean."""

    runtime: Path
    is_cmodel: bool
    links: dict[str, Path]


def find_library() -> Library:
    """The runtime library. Raises TpucError where none is found."""
    if has_board() and (directory := next(filter(_has_runtime, _driver_directories()), None)):
        return Library(directory / RUNTIME, is_cmodel=False, links={})
    directories = list(_package_directories())
    for directory in directories:
        if _has_runtime(directory) and (directory / CMODEL).exists():
            return _cmodel_library(directory)
    places = ", ".join(f'"{d}"' for d in directories) or f'"{_environment()}"'
    raise TpucError(
        f"no runtime library found: neither a board with its driver package nor the package tpu-mlir at {places}; "
        "set TPUC_VENDOR to the environment that has it (regression/setup_vendor.sh makes one)"
    )


def has_board(devices: Path = Path("/dev")) -> bool:
    """Whether the driver shows a device."""
    return any(path for pattern in DEVICE_PATTERNS for path in devices.glob(pattern))


def _has_runtime(directory: Path) -> bool:
    return (directory / RUNTIME).exists()


def _driver_directories() -> list[Path]:
    named = [Path(d) for d in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if d]
    return named + list(DRIVER_DIRECTORIES)


def _environment() -> Path:
    return Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")


def _package_directories() -> list[Path]:
    """Library directories of the package tpu-mlir: in the vendor's environment, else in this one."""
    found = sorted(_environment().glob("lib/python3*/site-packages/tpu_mlir/lib"))
    return found + [Path(p) / "tpu_mlir" / "lib" for p in sys.path if (Path(p) / "tpu_mlir" / "lib").is_dir()]


def _cmodel_library(directory: Path) -> Library:
    """The package holds several chips' libraries; the plain names may mean another chip's."""
    of_chip = directory / "libbmlib_bm1684x.so.0"
    bmlib = of_chip if of_chip.exists() else directory / "libbmlib.so.0"
    links = {"libcmodel.so": directory / CMODEL, "libbmlib.so.0": bmlib}
    return Library(directory / RUNTIME, is_cmodel=True, links=links)
