import pytest

from tpuc_core.cli.dataset import list_images
from tpuc_core.cli.main import run_command


@pytest.fixture
def folder(tmp_path):
    for name in ("a/1.jpg", "a/2.PNG", "b/3.jpeg", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def call(*words):
    return run_command(list_images, [str(w) for w in words], "tpuc dataset list")


def test_a_list_of_as_many_as_wanted_the_same_for_the_same_seed(folder):
    lists = []
    for name in ("first.txt", "second.txt"):
        assert call(folder, "--input_num", 2, "--seed", 5, "-o", folder / name) == 0
        lists.append((folder / name).read_text())
    assert lists[0] == lists[1]
    assert len(lists[0].splitlines()) == 2


def test_all_pictures_and_nothing_else(folder):
    assert call(folder, "-o", folder / "list.txt") == 0
    assert {line.rpartition("/")[2] for line in (folder / "list.txt").read_text().splitlines()} == {"1.jpg", "2.PNG", "3.jpeg"}


@pytest.mark.parametrize(("words", "message"), [(["gone"], '"gone" is not a folder'), (["--input_num", 9], "holds 3 samples, 9 were asked for")])
def test_bad_input_is_one_sentence(folder, capsys, words, message):
    words = words if words[0] == "gone" else [folder, *words]
    assert call(*words, "-o", folder / "list.txt") == 1
    assert message in capsys.readouterr().err
    assert not (folder / "list.txt").exists()
