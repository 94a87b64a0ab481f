"""The checker of waits: it knows what commands touch, finds a wait that is missing, and what it accepts does not depend on luck."""

import random

import numpy as np
import pytest
from nets import Net, samples
from random_nets import RandomNet
from tpuc_bm1684x.bmodel import CommandGroup, read_bmodel
from tpuc_bm1684x.codegen.footprint import footprint
from tpuc_bm1684x.isa import decode_stream, join_stream
from tpuc_bm1684x.passes.check_waits import check_waits
from tpuc_bm1684x.simulator.decode import decode_group
from tpuc_bm1684x.simulator.simulator import Simulator

from tpuc_core.errors import TpucError


@pytest.fixture
def streams(compiled):
    net = Net((1, 16, 20, 20))
    x = net.conv(net.values[0], 70, 3, pad=1, relu=True)
    net.op("Permute", [x], (1, 20, 20, 70), order=[0, 2, 3, 1])
    path, _ = compiled(net.lowered("INT8"))
    return streams_of(path)


def streams_of(path):
    """The bytes of both engines."""
    group = read_bmodel(path).nets[0].stages[0].groups[0]
    return group.tiu, group.gdma


def without_wait(engine, stream, index):
    """The stream with the wait of one command taken out."""
    commands = decode_stream(engine, stream)[:-1]
    encoded = [type(c).encode(**(c.values() | ({"cmd_id_dep": 0} if i == index else {}))) for i, c in enumerate(commands)]
    return join_stream(engine, encoded)


def waits(engine, stream):
    """Which commands of a stream wait."""
    return [i for i, c in enumerate(decode_stream(engine, stream)[:-1]) if c.values()["cmd_id_dep"]]


def test_what_codegen_writes_is_in_order(streams):
    assert check_waits(*streams) >= 0


@pytest.mark.parametrize("engine", ["tiu", "gdma"])
def test_every_first_wait_is_needed(streams, engine):
    tiu, gdma = streams
    stream = tiu if engine == "tiu" else gdma
    changed = without_wait(engine, stream, waits(engine, stream)[0])
    with pytest.raises(TpucError, match=r"tiu command \d+ and gdma command \d+ touch the same local memory"):
        check_waits(*((changed, gdma) if engine == "tiu" else (tiu, changed)))


def first(engine, tiu, gdma):
    """The order of execution in which one engine never waits longer than it must, as (engine, command id)."""
    group = decode_group(0, CommandGroup(tiu=tiu, gdma=gdma, tiu_count=0, gdma_count=0))
    queues, done, order = {"tiu": list(group.tiu), "gdma": list(group.gdma)}, {"tiu": 0, "gdma": 0}, []
    while any(queues.values()):
        for name in (engine, "gdma" if engine == "tiu" else "tiu"):
            other = "gdma" if name == "tiu" else "tiu"
            if queues[name] and queues[name][0].command.values()["cmd_id_dep"] <= done[other]:
                entry = queues[name].pop(0)
                order.append((name, entry.cmd_id))
                done[name] = entry.cmd_id
                break
    return order


@pytest.mark.parametrize("mode", ["F32", "INT8"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_accepted_gives_the_same_in_any_order(compiled, mode, seed):
    net = RandomNet(seed)
    model = net.lowered(mode, *net.outputs)
    path, _ = compiled(model)
    tiu, gdma = streams_of(path)
    simulator, inputs, rng = Simulator(path), samples(model), random.Random(seed)
    steps = {(entry.engine, entry.cmd_id): step for entry, step in zip(simulator._entries, simulator._steps)}
    wanted = simulator.run(inputs, dequantize=False)
    candidates = [("tiu", i) for i in waits("tiu", tiu)] + [("gdma", i) for i in waits("gdma", gdma)]
    accepted = [(tiu, gdma)]
    for engine, index in rng.sample(candidates, min(12, len(candidates))):
        changed = (without_wait("tiu", tiu, index), gdma) if engine == "tiu" else (tiu, without_wait("gdma", gdma, index))
        try:
            check_waits(*changed)
        except TpucError:
            continue
        accepted.append(changed)
    for changed in accepted:
        for engine in ("tiu", "gdma"):
            simulator.memory.local[:] = 0x5A
            simulator._steps = [steps[each] for each in first(engine, *changed)]
            found = simulator.run(inputs, dequantize=False)
            assert all(found[name].tobytes() == array.tobytes() for name, array in wanted.items())


@pytest.mark.parametrize("mode", ["F32", "INT8"])
def test_commands_touch_nothing_but_their_footprint(compiled, mode):
    backgrounds = np.random.default_rng(0).integers(0, 256, (2, 64, 1 << 18), np.uint8)
    seen = set()
    for net in (RandomNet(3), RandomNet(11), broadcasts()):
        path, _ = compiled(net.lowered(mode))
        simulator = Simulator(path)
        for entry, step in zip(simulator._entries, simulator._steps):
            values = entry.command.values()
            kind = entry.command.form, values.get("tsk_eu_typ"), values.get("cmd_special_function"), values.get("opd0_str"), values.get("opd1_str"), values.get("res0_str")
            if kind not in seen:
                seen.add(kind)
                check_footprint(simulator.memory, entry.command, step, backgrounds)
    assert len(seen) > 6


def broadcasts():
    """A net whose operands are one channel in all lanes, a row, and shared constants."""
    net = Net((2, 70, 6, 7), (2, 1, 6, 7), (2, 70, 1, 7))
    x = net.op("Mul", net.values[:2], (2, 70, 6, 7))
    x = net.op("Add", [x, net.values[2]], (2, 70, 6, 7))
    x = net.op("Sigmoid", [x], (2, 70, 6, 7))
    net.op("Upsample", [net.conv(x, 70, 3, pad=1, group=70)], (2, 70, 12, 14), scale_h=2, scale_w=2)
    return net


def check_footprint(memory, command, step, backgrounds):
    """Nothing outside the writes changes; nothing outside the reads and writes matters."""
    ranges = footprint(command)
    written = np.zeros(memory.local.shape[1], bool)
    for r in ranges:
        written[r.start : r.stop] |= r.is_write
    memory.local[:] = backgrounds[0]
    global_before = memory.global_memory.copy()
    step()
    assert not (memory.local != backgrounds[0])[:, ~written].any(), command
    results = memory.local[:, written].copy(), memory.global_memory.copy()
    memory.local[:], memory.global_memory[:] = backgrounds[1], global_before
    for r in ranges:
        memory.local[:, r.start : r.stop] = backgrounds[0][:, r.start : r.stop]
    step()
    assert results[0].tobytes() == memory.local[:, written].tobytes() and results[1].tobytes() == memory.global_memory.tobytes(), command
