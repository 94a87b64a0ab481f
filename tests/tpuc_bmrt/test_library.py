from __future__ import annotations

from pathlib import Path

import pytest
from tpuc_bmrt import library
from tpuc_bmrt.library import find_library, has_board

from tpuc_core.errors import TpucError


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing is installed but what a test makes under the returned directory."""
    monkeypatch.setattr(library, "DRIVER_DIRECTORIES", (tmp_path / "driver",))
    monkeypatch.setattr(library.sys, "path", [])
    monkeypatch.setenv("LD_LIBRARY_PATH", "")
    monkeypatch.setenv("TPUC_VENDOR", str(tmp_path / "vendor"))
    monkeypatch.setattr(library, "has_board", lambda: False)
    return tmp_path


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def package(places: Path, *names: str) -> Path:
    folder = places / "vendor" / "lib" / "python3.10" / "site-packages" / "tpu_mlir" / "lib"
    return make(folder, "libbmrt.so", "libcmodel_bm1684x.so", *names)


def test_nothing_installed_says_what_would_be_right(places: Path) -> None:
    with pytest.raises(TpucError, match="set TPUC_VENDOR"):
        find_library()


def test_the_package_gives_its_cmodel_under_the_names_that_the_loader_wants(places: Path) -> None:
    folder = package(places, "libbmlib.so.0", "libbmlib_bm1684x.so.0")
    found = find_library()
    assert found.is_cmodel
    assert found.links == {
        "libcmodel.so": folder / "libcmodel_bm1684x.so",
        "libbmlib.so.0": folder / "libbmlib_bm1684x.so.0",
    }


def test_a_board_with_a_driver_package_comes_first(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(places)
    make(places / "driver", "libbmrt.so")
    assert find_library().is_cmodel
    monkeypatch.setattr(library, "has_board", lambda: True)
    found = find_library()
    assert (found.runtime, found.is_cmodel, found.links) == (places / "driver" / "libbmrt.so", False, {})


def test_the_search_path_comes_before_the_usual_directories(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(places / "driver", "libbmrt.so")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(make(places / "own", "libbmrt.so")))
    monkeypatch.setattr(library, "has_board", lambda: True)
    assert find_library().runtime == places / "own" / "libbmrt.so"


@pytest.mark.parametrize(
    ("name", "expected"), [("bm-sophon0", True), ("bm-tpu0", True), ("bmdev-ctl", False), ("null", False)]
)
def test_a_board_is_a_device_of_the_driver(tmp_path: Path, name: str, expected: bool) -> None:
    (tmp_path / name).touch()
    assert has_board(tmp_path) is expected
