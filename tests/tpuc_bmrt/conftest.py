"""A fake runtime library, compiled once: what the real one does when it is unhappy, without having it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tpuc_bmrt import session
from tpuc_bmrt.library import Library
from tpuc_bmrt.session import BmrtSession

SOURCE = Path(__file__).parent / "data" / "fake_runtime.c"


@pytest.fixture(scope="session")
def fake_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    folder = tmp_path_factory.mktemp("runtime")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "libbmrt.so", SOURCE], check=True)
    return Library(folder / "libbmrt.so", is_cmodel=True, links={"libbmlib.so.0": folder / "libbmrt.so"})


@pytest.fixture
def open_model(fake_library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., BmrtSession]:
    """open_model("abort"): a session on the fake runtime, which then behaves in that manner."""
    monkeypatch.setattr(session, "find_library", lambda: fake_library)

    def open_it(manner: str, timeout_seconds: float = 30) -> BmrtSession:
        (tmp_path / "net.bmodel").write_text(manner)
        return BmrtSession(tmp_path / "net.bmodel", timeout_seconds)

    return open_it
