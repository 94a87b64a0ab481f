import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tpuc_onnx.plugin import OnnxFrontend
from tpuc_shrink.ops import ShrinkOp

from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.plan import Precision
from tpuc_core.plugins import plugins
from tpuc_core.testing import check_coverage, check_equality, check_frontend, check_op, one_op_model


def test_the_op_is_whole_and_zero_between_the_thresholds():
    y = check_op(ShrinkOp, (2, 3, 5, 7), lambd=100.0, bias=1.0)
    assert not y.any()


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_a_file_gives_what_onnxruntime_gives(tmp_path, bias):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Shrink", ["x"], ["y"], lambd=0.5, bias=bias)], "g", ends[:1], ends[1:])
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), path)
    report = check_frontend(OnnxFrontend(), [path], FrontendOptions("net"))
    assert any(c.name == "y_Shrink" for c in report.comparisons)


def test_the_chip_runs_soft_shrinks_and_says_what_it_does_not():
    models = {f"bias {bias}": one_op_model(ShrinkOp, (1, 3, 8, 8), lambd=0.5, bias=bias) for bias in (0.5, 0.0)}
    reasons = [case.reason for case in check_coverage(plugins().chip("bm1684x"), models)]
    assert reasons == ["", "a bias that is not lambd"]


def test_interpreter_and_compiled_file_agree_to_the_bit(tmp_path):
    chip, runner = plugins().chip("bm1684x"), plugins().runner(".bmodel", "simulator")
    model = one_op_model(ShrinkOp, (2, 70, 9, 5), lambd=0.5, bias=0.5)
    y = check_equality(chip, runner, model, tmp_path)["y"]
    assert y.dtype == np.float32 and (y == 0).any() and (y != 0).any()
    assert chip.supports(model.ops()[0], Precision.INT8) is None
