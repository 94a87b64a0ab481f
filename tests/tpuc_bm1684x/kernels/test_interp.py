"""Maps of other sizes: every mode and ratio, whole and cut in rows, in floats and in 8 bits."""

import numpy as np
import pytest
from nets import Net
from tpuc_bm1684x.interpreter import Interpreter
from tpuc_bm1684x.kernels.engine import Rows
from tpuc_bm1684x.kernels.interp import cells_of, runs_of

from tpuc_core.evaluate.session import FloatSession

COORDINATES = ["align_corners", "half_pixel", "pytorch_half_pixel", "asymmetric"]
SIZES = [(12, 10), (18, 15), (9, 4), (3, 5), (25, 33), (1, 1)]


def resized(net, size, mode, coordinates):
    n, c, h, w = (1, 70, 6, 5)
    return net.op("Interp", [net.values[0], None], (n, c, *size), mode=mode, coord_mode=coordinates, scale_h=size[0] / h, scale_w=size[1] / w)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_modes_and_ratios(prove_net, mode, coordinates, size):
    net = Net((1, 70, 6, 5))
    resized(net, size, mode, coordinates)
    prove_net(net, "F32")


@pytest.mark.parametrize("precision", ["F32", "F16", "BF16", "INT8", "INT8_ASYM"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_precisions_in_slices(prove_net, mode, precision):
    net = Net((1, 70, 6, 5))
    x = net.op("Relu", [resized(net, (13, 10), mode, "half_pixel")], (1, 70, 13, 10))
    net.op("AddConst", [x], (1, 70, 13, 10), const_val=0.5)
    cuts = prove_net(net, precision, cuts=[(1, 4)])
    assert any(hsecs == 4 for _, hsecs, _ in cuts)


def test_twice_as_many_rows_are_two_runs_and_the_edges():
    cells = cells_of("linear", "half_pixel", 8, 16, 2.0)
    runs = list(runs_of(cells, Rows(0, 16), 0))
    assert len(runs) == 4 and sum(run.count for run in runs) == 16
    assert {round(run.part, 2) for run in runs} == {0.0, 0.25, 0.75}


@pytest.mark.parametrize("rows", [Rows(0, 33), Rows(5, 20)])
def test_runs_are_all_cells_once(rows):
    cells = cells_of("linear", "align_corners", 9, 33, -1.0)
    found = np.concatenate([np.arange(33)[run.outputs()] + rows.start for run in runs_of(cells, rows, 2)])
    assert sorted(found) == list(range(rows.start, rows.stop))


@pytest.mark.parametrize("precision", ["INT8", "INT8_ASYM"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_8_bits_are_near_to_floats(mode, precision):
    net = Net((1, 70, 6, 5))
    resized(net, (13, 10), mode, "half_pixel")
    model = net.lowered(precision)
    inputs = {"in0": np.random.default_rng(3).uniform(-2, 2, (1, 70, 6, 5)).astype(np.float32)}
    found = next(iter(Interpreter(model).run(inputs).values()))
    wanted = next(iter(FloatSession(net.model).run(inputs).values()))
    np.testing.assert_allclose(found, wanted, atol=1.6 * 8 / 255)  # half a step at the input, of another scale, and of the result
