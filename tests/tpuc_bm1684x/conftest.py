"""The proof, as a function: what a model's interpreter and its compiled file give must be the same bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import nets
from tpuc_bm1684x.interpreter import Interpreter
from tpuc_bm1684x.passes.address_assign import AddressAssign
from tpuc_bm1684x.passes.codegen import Codegen
from tpuc_bm1684x.passes.layer_group import LayerGroup
from tpuc_bm1684x.passes.subnet_divide import SubnetDivide
from tpuc_bm1684x.passes.weight_reorder import WeightReorder
from tpuc_bm1684x.simulator.simulator import Simulator

from tpuc_core.ir import Model
from tpuc_core.passes import run_passes


@pytest.fixture
def compiled(tmp_path):
    def run(model: Model, name: str = "net", opt: int = 2) -> tuple[Path, Model]:
        final, path = model.clone(), tmp_path / f"{name}.bmodel"
        run_passes(final, [WeightReorder(), SubnetDivide(), LayerGroup(opt), AddressAssign(), Codegen(str(path))])
        return path, final

    return run


@pytest.fixture
def prove(compiled):
    """Returns the final model and the tensors, after asserting that all are equal."""

    def run(model: Model, opt: int = 2) -> tuple[Model, dict[str, np.ndarray]]:
        path, final = compiled(model, opt=opt)
        inputs = nets.samples(model)
        wanted = Interpreter(model).run(inputs, all_tensors=True, dequantize=False)
        found = Simulator(path).run(inputs, all_tensors=True, dequantize=False)
        assert list(found) == list(wanted) or set(found) == set(wanted)
        for name, array in wanted.items():
            assert found[name].dtype == array.dtype and found[name].tobytes() == array.tobytes(), name
        return final, wanted

    return run
