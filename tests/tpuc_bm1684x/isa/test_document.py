"""docs/isa is what the declarations say."""

from pathlib import Path

from tpuc_bm1684x.isa import ALL_FORMS
from tpuc_bm1684x.isa.document import main, pages

DOCS = Path(__file__).parents[3] / "docs" / "isa"


def test_the_pages_in_docs_are_fresh(capsys):
    assert main(str(DOCS), "--check") == 0, (
        f"{capsys.readouterr().out}make them again: python -m tpuc_bm1684x.isa.document docs/isa"
    )


def test_every_form_and_field_is_documented():
    text = "\n".join(pages().values())
    for form in ALL_FORMS:
        assert f"## {form.form}, {form.size_bytes} bytes" in text
        assert all(f"`{name}`" in text for name in form.fields)


def test_a_stale_page_is_found(tmp_path):
    assert main(str(tmp_path)) == 0
    (tmp_path / "AR.md").write_text("old")
    assert main(str(tmp_path), "--check") == 1
