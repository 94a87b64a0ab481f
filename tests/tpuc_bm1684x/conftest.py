"""The proof, as a function: what a model's interpreter and its compiled file give must be the same bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import nets
from device_limits import check_device_limits
from tpuc_bm1684x.codegen.steps import BOUNDARIES
from tpuc_bm1684x.interpreter import Interpreter
from tpuc_bm1684x.passes.address_assign import AddressAssign
from tpuc_bm1684x.passes.codegen import Codegen
from tpuc_bm1684x.passes.layer_group import LayerGroup, layer_group
from tpuc_bm1684x.passes.subnet_divide import SubnetDivide
from tpuc_bm1684x.passes.weight_reorder import WeightReorder
from tpuc_bm1684x.simulator.simulator import Simulator

from tpuc_core.evaluate.session import FloatSession
from tpuc_core.ir import Model
from tpuc_core.passes import run_passes

SECTIONS = layer_group.sections


@pytest.fixture
def compiled(tmp_path):
    def run(model: Model, name: str = "net", opt: int = 2) -> tuple[Path, Model]:
        final, path = model.clone(), tmp_path / f"{name}.bmodel"
        run_passes(final, [WeightReorder(), SubnetDivide(), LayerGroup(opt), AddressAssign(), Codegen(str(path))])
        final.module.verify()
        check_device_limits(path)
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
        assert set(found) == set(wanted)
        for name, array in wanted.items():
            assert found[name].dtype == array.dtype and found[name].tobytes() == array.tobytes(), name
        return final, wanted

    return run


@pytest.fixture
def prove_net(prove, monkeypatch):
    """Proves a net in a mode, and compares floats with float evaluation. `cuts`: ways (nsecs, hsecs) to cut groups that are tried
    before the pass's own. Returns the cuts (nsecs, hsecs, ops) of the groups."""

    def run(net: nets.Net, mode: str, *outputs, cuts=()) -> list[tuple[int, int, int]]:
        def sections(images, height):
            return [*((n, h) for n, h in cuts if n <= images and h <= height), *SECTIONS(images, height)]

        monkeypatch.setattr(layer_group, "sections", sections)
        net.model.set_outputs(outputs or [net.values[-1]])
        wanted = FloatSession(net.model.clone()).run(nets.samples(net.model), all_tensors=True)
        final, tensors = prove(net.lowered(mode, *outputs))
        for name in set(wanted) & set(tensors) if mode in nets.FLOAT_ERRORS else ():
            nets.assert_similar(mode, nets.real(tensors[name]), wanted[name], name)
        groups = [op for op in final.module.walk() if op.name == "tpu.Group"]
        return [(op.get("nsecs"), op.get("hsecs"), sum(inner.name not in BOUNDARIES for inner in op.regions[0].block.ops)) for op in groups]

    return run
