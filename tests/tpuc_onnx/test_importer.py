"""The importer against the node tests of the package onnx: imported, evaluated, compared with the expected outputs."""

import sys
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from tpuc_onnx.graph import Graph
from tpuc_onnx.importer import import_graph
from tpuc_onnx.patterns import fuse_patterns
from tpuc_onnx.simplify import simplify

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.ir import tensor_name

sys.path.insert(0, str(Path(__file__).parent))
from onnx_node_cases import cases_of, with_constants

# modules of onnx.backend.test.case.node, with the number of inputs that are tensors of the network; the others are its constants
MODULES = {
    "abs": 1, "add": 2, "averagepool": 1, "batch_normalization": 1, "ceil": 1, "clip": 1, "concat": 9, "conv": 1, "convtranspose": 1, "cos": 1,
    "depthtospace": 1, "div": 2, "dropout": 1, "elu": 1, "erf": 1, "exp": 1, "expand": 1, "flatten": 1, "floor": 1, "gather": 1, "gelu": 1,
    "gemm": 2, "globalaveragepool": 1, "globalmaxpool": 1, "gru": 1, "hardsigmoid": 1, "hardswish": 1, "identity": 1, "instance_normalization": 1,
    "layernormalization": 1, "leakyrelu": 1, "log": 1, "logsoftmax": 1, "lrn": 1, "lstm": 1, "matmul": 2, "max": 9, "maxpool": 1, "mean": 9, "min": 9,
    "mish": 1, "mul": 2, "neg": 1, "pad": 1, "pow": 1, "prelu": 1, "reciprocal": 1, "reducel1": 1, "reducel2": 1, "reduce_log_sum": 1,
    "reducemax": 1, "reducemean": 1, "reducemin": 1, "reduceprod": 1, "reducesum": 1, "reducesumsquare": 1,
    "relu": 1, "reshape": 1, "resize": 1, "selu": 1, "sigmoid": 1, "sign": 1, "sin": 1, "slice": 1, "softmax": 1, "softplus": 1,
    "softsign": 1, "spacetodepth": 1, "split": 1, "sqrt": 1, "squeeze": 1, "sub": 2, "sum": 9, "tanh": 1, "tile": 1, "transpose": 1,
    "unsqueeze": 1, "groupnormalization": 1, "argmax": 1, "argmin": 1,
}

TYPES = (np.float32, np.int64, np.bool_)
# only the first output of these has a meaning at inference
ONE_OUTPUT = {"dropout", "layernormalization"}
# what the importer refuses, by the case's name, with a part of the message
REFUSED = {
    "averagepool_2d_dilations": "dilations", "averagepool_3d*dilations*": "dilations", "maxpool_3d*dilations*": "dilations",
    "maxpool_2d_dilations": "dilations", "convtranspose_3d": "3 spatial dimensions", "training_dropout*": "training mode",
    "batchnorm_*_training_mode": "training mode", "maxpool_with_argmax*": "the output of indices",
    "prelu_example": "not one value a channel", "prelu_broadcast": "not one value a channel",
    "resize*antialias": "antialias",
    "gru_seq_length_*": "", "lstm_with_peepholes": "peepholes",
    "resize_tf_crop_and_resize*": "tf_crop_and_resize coordinates",
}


def run_case(case, variables, outputs):
    model, inputs, expected = with_constants(case, variables)
    del model.graph.output[outputs or len(expected) :]
    graph = fuse_patterns(Graph.from_model(simplify(model, None, ())))
    imported = import_graph(graph, "net")
    names = [tensor_name(value) for value in imported.outputs]
    tensors = evaluate(imported, inputs)
    for name, wanted in zip(names, expected):
        np.testing.assert_allclose(tensors[name].reshape(wanted.shape), wanted, rtol=1e-3, atol=2e-5, err_msg=case.name)


def is_float_case(case):
    """Cases of other types, and of functions expanded into nodes, say nothing about networks."""
    arrays, expected = case.data_sets[0]
    if any(isinstance(a, (list, type(None))) for a in [arrays[0], *expected]) or "_expanded" in case.name or "_opt" in case.name:
        return False
    first, *results = (np.asarray(a) for a in [arrays[0], *expected])
    return first.dtype == np.float32 and all(a.ndim and a.size and a.dtype in TYPES for a in (first, *results))


@pytest.mark.parametrize("module", MODULES)
def test_onnx_node_cases(module):
    failures = []
    cases = [c for c in cases_of(module) if is_float_case(c)]
    assert cases
    for case in cases:
        refusal = next((text for pattern, text in REFUSED.items() if fnmatch(case.name, f"test_{pattern}")), None)
        try:
            run_case(case, MODULES[module], 1 if module in ONE_OUTPUT else None)
        except TpucError as error:
            if refusal is None or refusal not in str(error):
                failures.append(f"{case.name}: {error}")
        except AssertionError as error:
            failures.append(f"{case.name}: {error}")
        else:
            if refusal is not None:
                failures.append(f"{case.name}: imported, though it is listed as refused")
    assert not failures, "\n".join(failures)
