"""The node tests of the package onnx, by operator."""

from __future__ import annotations

import importlib
import sys
import warnings
from functools import cache

import numpy as np
import onnx
from onnx import numpy_helper


@cache
def cases_of(module: str) -> list:
    """The test cases of one module of onnx.backend.test.case.node ("conv"): name, model, data sets."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        before, name = len(node._NodeTestCases), f"onnx.backend.test.case.node.{module}"
        if name in sys.modules:  # its cases are registered when it is executed
            importlib.reload(sys.modules[name])
        else:
            importlib.import_module(name)
        return list(node._NodeTestCases[before:])


def as_array(value) -> np.ndarray:
    """A value of a data set, which may be a tensor of the format's own."""
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def with_constants(case, variables: int) -> tuple[onnx.ModelProto, dict[str, np.ndarray], list[np.ndarray]]:
    """A case's model with all but the first `variables` inputs as initializers; the inputs; the expected outputs."""
    model = onnx.ModelProto.FromString(case.model.SerializeToString())
    arrays, expected = ([as_array(a) for a in arrays] for arrays in case.data_sets[0])
    inputs = {}
    for index, (value, array) in enumerate(zip(list(model.graph.input), arrays)):
        if index < variables:
            inputs[value.name] = np.asarray(array)
        else:
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), value.name))
            model.graph.input.remove(value)
    return model, inputs, [np.asarray(e) for e in expected]
