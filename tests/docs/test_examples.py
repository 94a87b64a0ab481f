"""The examples of docs/writing_a_plugin.md, each installed in a fresh virtual environment, pass their own tests there."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "docs" / "examples").glob("*/pyproject.toml"))


def run(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of a new environment that sees the packages of this one: tpuc and what it needs."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (packages / "tpuc.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    return python


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_works_where_it_is_installed(example: Path, python: Path, tmp_path: Path) -> None:
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", example, cwd=tmp_path)
    package = next(path.parent.name for path in example.glob("tpuc_*/plugin.py"))
    listed = run(python, "-m", "tpuc_core", "plugins", cwd=tmp_path)
    assert package.removeprefix("tpuc_") in listed
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", example / "tests", cwd=tmp_path)


def test_the_guide_shows_every_example():
    guide = (ROOT / "docs" / "writing_a_plugin.md").read_text(encoding="utf-8")
    assert EXAMPLES
    for example in EXAMPLES:
        assert f"examples/{example.name}" in guide
