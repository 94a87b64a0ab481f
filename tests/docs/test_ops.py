"""docs/ops.md is what docs/generate_ops.py makes."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_document_is_up_to_date():
    generator = runpy.run_path(str(DOCS / "generate_ops.py"))
    text = (DOCS / "ops.md").read_text(encoding="utf-8")
    assert text == generator["document"](), "run: python docs/generate_ops.py"
    assert "| Conv | x | x | x |" in text and "### tpu.Conv2D" in text
