import pytest

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.labels import choose, labelled_images


@pytest.fixture
def flat(tmp_path):
    (tmp_path / "flat").mkdir()
    for name in ("b.jpg", "a.jpg", "c.png", "notes.txt"):
        (tmp_path / "flat" / name).touch()
    return tmp_path / "flat"


def found(images):
    return [(image.path.name, image.label) for image in images]


def test_folders_are_classes_in_the_order_of_their_names(tmp_path):
    for name in ("n02/x.JPEG", "n01/z.jpg", "n01/y.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert found(labelled_images(tmp_path)) == [("y.jpg", 0), ("z.jpg", 0), ("x.JPEG", 1)]


@pytest.mark.parametrize("name, text", [
    ("labels.csv", "set,file,label\nzoo,images/a.jpg,7\nzoo,images/b.jpg,8\nother,images/z.jpg,\n"),
    ("labels.txt", "flat/b.jpg 8\na.jpg 7\n"),
])
def test_labels_by_name(flat, name, text):
    (flat.parent / name).write_text(text)
    assert found(labelled_images(flat, flat.parent / name)) == [("a.jpg", 7), ("b.jpg", 8)]


def test_labels_in_order(flat):
    (flat.parent / "labels.txt").write_text("5\n6\n7\n")
    assert found(labelled_images(flat, flat.parent / "labels.txt")) == [("a.jpg", 5), ("b.jpg", 6), ("c.png", 7)]
    (flat.parent / "labels.txt").write_text("5\n6\n")
    with pytest.raises(TpucError, match="has 2 labels"):
        labelled_images(flat, flat.parent / "labels.txt")


def test_a_flat_folder_asks_for_labels(flat):
    with pytest.raises(TpucError, match="--labels"):
        labelled_images(flat)
    (flat.parent / "labels.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TpucError, match="is not a file of labels"):
        labelled_images(flat, flat.parent / "labels.csv")


def test_a_seed_decides_which_are_chosen(flat):
    (flat.parent / "labels.txt").write_text("5\n6\n7\n")
    images = labelled_images(flat, flat.parent / "labels.txt")
    assert choose(images, 2, 1) == choose(images, 2, 1)
    assert sorted(choose(images, -1, 1)) == images
    with pytest.raises(TpucError, match="4 were asked for"):
        choose(images, 4, 1)


def test_folders_decide_between_files_of_one_name(flat):
    for name in ("one/a.jpg", "two/a.jpg"):
        (flat / name).parent.mkdir()
        (flat / name).touch()
    (flat.parent / "labels.txt").write_text("one/a.jpg 1\ntwo/a.jpg 2\nflat/a.jpg 3\n")
    assert [image.label for image in labelled_images(flat, flat.parent / "labels.txt")] == [3, 1, 2]
    (flat.parent / "labels.txt").write_text("x/a.jpg 1\ny/a.jpg 2\n")
    with pytest.raises(TpucError, match=r'several labels for "a\.jpg"'):
        labelled_images(flat, flat.parent / "labels.txt")
