import cv2
import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing, list_samples, load_inputs, match_inputs, read_image_list

SHAPES = {"x": (1, 3, 4, 4)}
OPTIONS = {"x": Preprocessing()}


@pytest.fixture
def folder(tmp_path):
    for i in range(5):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((4, 4, 3), i, np.uint8))
    return tmp_path


def test_a_picture_becomes_the_input(folder):
    inputs = load_inputs([str(folder / "2.png")], SHAPES, OPTIONS)
    assert (inputs["x"] == 2).all() and inputs["x"].shape == (1, 3, 4, 4)


def test_several_pictures_fill_a_batch_in_order(folder):
    inputs = load_inputs([str(folder / f"{i}.png") for i in (3, 1)], {"x": (2, 3, 4, 4)}, OPTIONS)
    assert (inputs["x"][0] == 3).all() and (inputs["x"][1] == 1).all()


def test_random_depends_on_the_seed_only():
    first, second = load_inputs(["random:7"], SHAPES), load_inputs(["random:7"], SHAPES)
    np.testing.assert_array_equal(first["x"], second["x"])
    assert not np.array_equal(first["x"], load_inputs(["random:8"], SHAPES)["x"])


def test_a_single_npz_array_fits_a_single_input_of_any_name(tmp_path):
    np.savez(tmp_path / "in.npz", other=np.ones((1, 3, 4, 4), np.float32))
    assert load_inputs([str(tmp_path / "in.npz")], SHAPES)["x"].shape == (1, 3, 4, 4)


def test_several_npy_files_are_several_inputs(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((1, 2)))
    np.save(tmp_path / "b.npy", np.ones((1, 3)))
    inputs = load_inputs([str(tmp_path / "a.npy"), str(tmp_path / "b.npy")], {"a": (1, 2), "b": (1, 3)})
    assert inputs["b"].tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(("arrays", "message"), [
    ({"y": np.zeros((1, 2)), "z": np.zeros((1, 2))}, 'has no input "a"; it has y, z'),
    ({"a": np.zeros((1, 2)), "b": np.zeros((1, 4))}, r'input "b" of "in.npz" has shape \[1, 4\], the model wants \[1, 3\]'),
])
def test_names_and_shapes_that_do_not_fit_are_named(arrays, message):
    with pytest.raises(TpucError, match=message):
        match_inputs(arrays, {"a": (1, 2), "b": (1, 3)}, "in.npz")


@pytest.mark.parametrize(("words", "message"), [
    (["notes.txt"], "neither an image"),
    (["random:many"], "seed must be a number"),
    (["missing.npz"], "no such file"),
    ([], "no input was given"),
])
def test_words_that_are_no_input_are_refused(words, message):
    with pytest.raises(TpucError, match=message):
        load_inputs(words, SHAPES, OPTIONS)


def test_an_input_without_preprocessing_takes_no_picture(folder):
    with pytest.raises(TpucError, match="takes no image"):
        load_inputs([str(folder / "0.png")], {"x": (1, 8)}, {"x": None})


def test_listing_is_random_and_repeatable(folder):
    first = list_samples(folder, 3, seed=1)
    assert first == list_samples(folder, 3, seed=1)
    assert len(set(first)) == 3
    assert sorted(list_samples(folder)) == sorted(str(folder / f"{i}.png") for i in range(5))


def test_asking_for_more_samples_than_there_are_is_refused(folder):
    with pytest.raises(TpucError, match="holds 5 samples, 9 were asked for"):
        list_samples(folder, 9)


def test_list_files_skip_comments_and_find_files_beside_them(folder):
    (folder / "list.txt").write_text("# chosen\n0.png\n\n1.png,2.png\n")
    assert read_image_list(folder / "list.txt") == [str(folder / "0.png"), f"{folder / '1.png'},{folder / '2.png'}"]


def test_an_empty_list_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("\n")
    with pytest.raises(TpucError, match="lists no images"):
        read_image_list(tmp_path / "list.txt")


def test_an_open_dimension_takes_any_length():
    shapes = {"x": (1, -1), "state": (2, -1, 3), "rate": ()}
    arrays = {"x": np.zeros((1, 5)), "state": np.zeros((2, 1, 3)), "rate": np.array(16000)}
    assert {n: a.shape for n, a in match_inputs(arrays, shapes).items()} == {"x": (1, 5), "state": (2, 1, 3), "rate": ()}
    with pytest.raises(TpucError, match=r'"x" of "the input" has shape \[2, 5\], the model wants \[1, \?\]'):
        match_inputs(arrays | {"x": np.zeros((2, 5))}, shapes)


@pytest.mark.parametrize(("word", "message"), [("random", "random values"), ("cat.png", "a picture")])
def test_an_open_dimension_has_no_length_of_its_own(word, message):
    with pytest.raises(TpucError, match=rf'input "x" has the open shape \[1, 3, \?, \?\]: give an .npz, {message}'):
        load_inputs([word], {"x": (1, 3, -1, -1)})
