"""Boxes decoded, and suppressed by better ones."""

import numpy as np
import pytest

from tpuc_core.evaluate.detection import decode, overlaps, suppress

PRIOR, VARIANCE = np.array([[0.2, 0.2, 0.4, 0.6]], np.float32), np.array([[0.1, 0.1, 0.2, 0.2]], np.float32)


@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE", "CORNER_SIZE"])
def test_no_offset_gives_the_prior(code):
    np.testing.assert_allclose(decode(code, PRIOR, VARIANCE, np.zeros((1, 4), np.float32)), PRIOR, rtol=1e-6)


def test_offsets_move_the_centre_by_parts_of_the_size_and_scale_it_exponentially():
    found = decode("CENTER_SIZE", PRIOR, VARIANCE, np.array([[1, 0, 0, np.log(2) / 0.2]], np.float32))
    np.testing.assert_allclose(found, [[0.22, 0.0, 0.42, 0.8]], atol=1e-6)


def test_offsets_of_corners():
    offset = np.array([[1, 1, 1, 1]], np.float32)
    np.testing.assert_allclose(decode("CORNER", PRIOR, VARIANCE, offset), [[0.3, 0.3, 0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(decode("CORNER_SIZE", PRIOR, VARIANCE, offset), [[0.22, 0.24, 0.44, 0.68]], rtol=1e-6)


def test_overlap_is_the_shared_part_of_both_areas():
    box, others = np.array([0, 0, 2, 2.0]), np.array([[1, 0, 3, 2.0], [2, 2, 3, 3], [0, 0, 2, 2], [1, 1, 1, 1]])
    np.testing.assert_allclose(overlaps(box, others), [2 / 6, 0, 1, 0])


def test_a_box_stays_unless_a_better_one_that_stayed_overlaps_it():
    boxes = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], np.float32)
    assert suppress(boxes, [0, 1, 2], 0.4) == [0, 2]
    assert suppress(boxes, [1, 0, 2], 0.4) == [1]
    assert suppress(boxes, [0, 1, 2], 0.5) == [0, 1, 2]


def test_eta_lowers_the_threshold_with_every_box_that_stays():
    boxes = np.array([[0, 0, 10, 10], [30, 0, 40, 10], [31.5, 0, 41.5, 10]], np.float32)
    assert suppress(boxes, [0, 1, 2], 0.8) == [0, 1, 2]
    assert suppress(boxes, [0, 1, 2], 0.8, eta=0.8) == [0, 1]
