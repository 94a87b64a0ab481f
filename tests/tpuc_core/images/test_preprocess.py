"""Pictures to inputs. Expected values are written out from the rule: resize, crop, (pixel - mean) * scale."""

import cv2
import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing


@pytest.fixture
def picture(tmp_path):
    """A PNG of 30 x 40 pixels with a gradient, and its pixels (BGR)."""
    y, x = np.mgrid[0:30, 0:40]
    pixels = np.stack([x * 6, y * 8, (x + y) * 3], axis=-1).astype(np.uint8)
    path = tmp_path / "gradient.png"
    cv2.imwrite(str(path), pixels)
    return path, pixels


def test_pixels_pass_unchanged_without_options(picture):
    path, pixels = picture
    array = Preprocessing().apply(path, (1, 3, 30, 40))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array[0], pixels.transpose(2, 0, 1))


def test_mean_and_scale_apply_in_the_final_channel_order(picture):
    path, pixels = picture
    array = Preprocessing(mean=(1, 2, 3), scale=(0.5, 0.25, 2), pixel_format="rgb").apply(path, (1, 3, 30, 40))
    red = (pixels[..., 2].astype(np.float32) - 1) * np.float32(0.5)
    blue = (pixels[..., 0].astype(np.float32) - 3) * np.float32(2)
    np.testing.assert_array_equal(array[0, 0], red)
    np.testing.assert_array_equal(array[0, 2], blue)


def test_a_picture_without_alpha_is_opaque(picture):
    path, pixels = picture
    array = Preprocessing(pixel_format="rgba", mean=(0,) * 4, scale=(1,) * 4).apply(path, (1, 4, 30, 40))
    np.testing.assert_array_equal(array[0, :3], pixels[..., ::-1].transpose(2, 0, 1))
    assert (array[0, 3] == 255).all()


def test_greys_are_the_same_in_all_colours(tmp_path):
    greys = np.random.default_rng(5).integers(0, 256, (6, 8), np.uint8)
    cv2.imwrite(str(tmp_path / "grey.png"), greys)
    array = Preprocessing(pixel_format="rgba", mean=(0,) * 4, scale=(1,) * 4).apply(tmp_path / "grey.png", (1, 4, 6, 8))
    np.testing.assert_array_equal(array[0], [greys, greys, greys, np.full_like(greys, 255)])


def test_resize_then_centre_crop(picture):
    path, pixels = picture
    array = Preprocessing(resize_dims=(20, 24)).apply(path, (1, 3, 16, 16))
    resized = cv2.resize(pixels, (24, 20))
    np.testing.assert_array_equal(array[0], resized[2:18, 4:20].transpose(2, 0, 1))


def test_letterbox_centres_and_pads_before_normalizing(picture):
    path, pixels = picture
    options = Preprocessing(mean=(10, 10, 10), keep_aspect_ratio=True, pad_value=7)
    array = options.apply(path, (1, 3, 40, 40))
    inner = cv2.resize(pixels, (40, 30)).transpose(2, 0, 1).astype(np.float32) - 10
    np.testing.assert_array_equal(array[0, :, 5:35], inner)
    assert (array[0, :, :5] == -3).all() and (array[0, :, 35:] == -3).all()


def test_letterbox_normal_lies_in_the_corner(picture):
    path, _ = picture
    array = Preprocessing(keep_aspect_ratio=True, pad_type="normal").apply(path, (1, 3, 40, 40))
    assert (array[0, :, 30:] == 0).all() and array[0, :, 29].any()


def test_short_side_scale_crops_the_long_side(picture):
    path, pixels = picture
    array = Preprocessing(keep_aspect_ratio=True, keep_ratio_mode="short_side_scale").apply(path, (1, 3, 15, 15))
    resized = cv2.resize(pixels, (20, 15))
    np.testing.assert_array_equal(array[0], resized[:, 2:17].transpose(2, 0, 1))


def test_nhwc_keeps_channels_last(picture):
    path, pixels = picture
    np.testing.assert_array_equal(Preprocessing(channel_format="nhwc").apply(path, (1, 30, 40, 3))[0], pixels)


def test_gray_has_one_channel_and_takes_the_first_mean(picture):
    path, _ = picture
    array = Preprocessing(pixel_format="gray", mean=(5, 9, 9)).apply(path, (1, 1, 30, 40))
    np.testing.assert_array_equal(array[0, 0], cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32) - 5)


def test_one_picture_is_repeated_to_fill_the_batch(picture):
    path, _ = picture
    batch = Preprocessing().batch([path], (3, 3, 30, 40))
    assert batch.shape == (3, 3, 30, 40)
    np.testing.assert_array_equal(batch[0], batch[2])


def test_attributes_round_trip_with_mean_rounded_to_float32():
    options = Preprocessing(resize_dims=(256, 256), mean=(123.675, 116.28, 103.53), scale=(0.0171, 0.0175, 0.0174),
                            pixel_format="rgb", keep_aspect_ratio=True, pad_value=114)
    attributes = options.attributes()
    assert attributes["mean"][0] == 123.67500305175781
    assert Preprocessing.from_attributes(attributes) == options


@pytest.mark.parametrize(("fields", "message"), [
    ({"pixel_format": "yuv"}, 'pixel format "yuv"'),
    ({"mean": (1, 2)}, "mean has 2 values"),
])
def test_options_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(TpucError, match=message):
        Preprocessing(**fields)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(TpucError, match=r'broken.jpg" is not an image'):
        Preprocessing().apply(path, (1, 3, 8, 8))


def test_resize_dims_smaller_than_the_network_are_refused(picture):
    with pytest.raises(TpucError, match="smaller than the network input 32 x 32"):
        Preprocessing(resize_dims=(16, 16)).apply(picture[0], (1, 3, 32, 32))


def test_pictures_of_a_wrong_channel_count_are_refused(picture):
    with pytest.raises(TpucError, match="network input is"):
        Preprocessing().batch([picture[0]], (1, 1, 30, 40))
