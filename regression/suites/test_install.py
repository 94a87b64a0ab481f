"""Every package can be installed alone: into an empty environment, from its own wheel, with nothing but what it declares."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(found.name)
"""


def run(*words: str | Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel of each package of the repository."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [ROOT, ROOT / "cython_kernels", *(ROOT / "plugins" / name for name in PLUGINS)]
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, *sources)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_works_in_an_environment_of_its_own(plugin: str, wheels: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--find-links", wheels, plugin.replace("_", "-"))
    run(python, "-c", IMPORT_ALL, plugin)
    listed = run(environment / "bin" / "tpuc", "plugins")
    assert plugin.removeprefix("tpuc_") in listed
    assert "fail" not in listed.lower(), listed
