"""Documents: links lead somewhere, dependencies have their reasons, packages are listed."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")
PROJECTS = [ROOT / "pyproject.toml", ROOT / "cython_kernels" / "pyproject.toml", *sorted((ROOT / "plugins").glob("*/pyproject.toml"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files(path):
    missing = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_path_of_one_machine(path):
    assert not re.search(r"(?<![\w.~-])/(root|work|home)/", path.read_text(encoding="utf-8"))


def test_every_document_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = {(ROOT / "docs" / link).resolve() for link in LINK.findall(index)}
    wanted = set((ROOT / "docs").glob("*.md")) - {ROOT / "docs" / "index.md"} | set((ROOT / "docs" / "tutorials").glob("*.md"))
    assert wanted <= listed


def names_of(requirements) -> set[str]:
    return {re.match(r"[\w-]+", line)[0] for line in requirements if line.strip() and not line.startswith("#")}


def test_every_dependency_has_its_reason():
    reasons = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    wanted = names_of((ROOT / "requirements-dev.txt").read_text().splitlines())
    for path in PROJECTS:
        project = tomllib.loads(path.read_text())
        wanted |= names_of(project["project"].get("dependencies", [])) | names_of(project["build-system"]["requires"])
    own = {name for name in wanted if name.startswith("tpuc-")}
    assert not {name for name in wanted - own if not re.search(rf"[ ,]{name}[ ,`(]", reasons)}


def test_the_readme_lists_every_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    packages = ["tpuc_core", "cython_kernels", *(f"plugins/{path.parent.name}" for path in PROJECTS[2:])]
    assert [package for package in packages if f"`{package}`" not in readme] == []
