"""tpu.LSTMSteps and tpu.GRUSteps: all steps of one direction, with states and matrices in local memory, in f32.

A row of a matrix lies over the lanes (the MM instruction): a state [batch, hidden] is [batch, pieces, 1, width], the recurrence of a gate
[hidden, pieces, 1, width]. The inputs' part of every gate is there already: `projected` [steps, batch, gates * hidden].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpuc_bm1684x.kernels.active import sigmoid, tanh
from tpuc_bm1684x.kernels.along_axis import load_f32, store_f32
from tpuc_bm1684x.kernels.base import GlobalKernel, register, source_of
from tpuc_bm1684x.kernels.batch_matmul import piece_width
from tpuc_bm1684x.kernels.constants import EU_BYTES
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand
from tpuc_core.ir import is_none, shape_of

KEPT_BYTES = 128 * 1024  # of a lane: larger matrices are loaded again in every step


class Recurrent(GlobalKernel):
    """What LSTM and GRU share. `count` gates; constants are read like activations."""

    count: int

    def prepare(self) -> None:
        self.activations = [source_of(v) for v in self.op.operands if not is_none(v)]
        self.steps, self.batch, _ = shape_of(self.activations[0])
        self.hidden = shape_of(self.out)[-1]
        self.width = piece_width(self.hidden)
        self.state_shape = (self.batch, self.hidden // self.width, 1, self.width)
        row_bytes = -(-self.width * 4 // EU_BYTES) * EU_BYTES
        self.is_kept = self.count * self.hidden * row_bytes <= KEPT_BYTES

    def order(self) -> range:
        """The steps, from the end where the direction is backward."""
        return range(self.steps - 1, -1, -1) if self.op.get("is_backward") else range(self.steps)

    def state_view(self, whole: GlobalView, index: int) -> GlobalView:
        """The index-th state [batch, hidden] of several."""
        return whole.viewed(self.state_shape, (self.hidden, self.width, 0, 1), index * self.batch * self.hidden)

    def matrices(self, engine: Engine, recurrence: GlobalView) -> list[Operand]:
        """The recurrence of every gate, where all of them stay in local memory."""
        return [self.matrix(engine, recurrence, gate) for gate in range(self.count)] if self.is_kept else []

    def matrix(self, engine: Engine, recurrence: GlobalView, gate: int) -> Operand:
        """The recurrence of a gate, in a new tensor."""
        shape = (self.hidden, *self.state_shape[1:])
        return load_f32(engine, recurrence.viewed(shape, (self.hidden, self.width, 0, 1), gate * self.hidden * self.hidden))

    def multiply(self, engine: Engine, out: Operand, state: Operand, recurrence: GlobalView, kept: Sequence[Operand], gate: int, *,
                 is_added: bool) -> None:
        """state * the recurrence of a gate, or that on top of `out`."""
        with engine.scope():
            right = kept[gate] if kept else self.matrix(engine, recurrence, gate)
            engine.matmul(out, state, right, self.width, is_added=is_added)

    def load_projected(self, engine: Engine, out: Operand, projected: GlobalView, step: int, first: int) -> None:
        """The inputs' part of gates first.. of a step: as many as `out` has room for, one behind the other along n."""
        row = self.count * self.hidden
        for index in range(out.shape[0] // self.batch):
            start = step * self.batch * row + (first + index) * self.hidden
            view = projected.viewed(self.state_shape, (row, self.width, 0, 1), start)
            if view.storage == "f32":
                engine.load(self.gate(engine, out, index), view)
            else:
                with engine.scope():
                    engine.copy(self.gate(engine, out, index), load_f32(engine, view))

    def gate(self, engine: Engine, gates: Operand, index: int) -> Operand:
        """One of several gates that lie along n."""
        return engine.images(gates, index * self.batch, (index + 1) * self.batch)

    def new_gates(self, engine: Engine, count: int) -> Operand:
        """A tensor for some gates."""
        return engine.local((count * self.batch, *self.state_shape[1:]), "f32")


@register("tpu.LSTMSteps")
class LSTMSteps(Recurrent):
    """c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c); gates in the order i, o, f, g. h of every step, then the last c."""

    count = 4

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        projected, recurrence, first_h, first_c = inputs
        with engine.scope():
            h, c = (load_f32(engine, self.state_view(view, 0)) for view in (first_h, first_c))
            kept = self.matrices(engine, recurrence)
            for step in self.order():
                with engine.scope():
                    self._step(engine, h, c, projected, recurrence, kept, step)
                    store_f32(engine, self.state_view(out, step), h)
            store_f32(engine, self.state_view(out, self.steps), c)

    def _step(self, engine: Engine, h: Operand, c: Operand, projected: GlobalView, recurrence: GlobalView, kept: Sequence[Operand],
              step: int) -> None:
        raw, gates = (self.new_gates(engine, self.count) for _ in range(2))
        self.load_projected(engine, raw, projected, step, 0)
        for gate in range(self.count):
            self.multiply(engine, self.gate(engine, raw, gate), h, recurrence, kept, gate, is_added=True)
        sigmoid(engine, engine.images(gates, 0, 3 * self.batch), engine.images(raw, 0, 3 * self.batch))
        i, o, f, candidate = (self.gate(engine, gates, gate) for gate in range(self.count))
        tanh(engine, candidate, self.gate(engine, raw, 3))
        engine.mul(c, c, f)
        engine.mul(candidate, candidate, i)
        engine.add(c, c, candidate)
        tanh(engine, candidate, c)
        engine.mul(h, candidate, o)


@register("tpu.GRUSteps")
class GRUSteps(Recurrent):
    """h = (1 - z) n + z h, z and r of sigmoid, n = tanh(projected + r (h R + b)), or (r h) R + b where not linear_before_reset.

    Gates in the order z, r, n. h of every step.
    """

    count = 3

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        projected, recurrence, bias, first_h = inputs
        with engine.scope():
            h = load_f32(engine, self.state_view(first_h, 0))
            offset = load_f32(engine, bias.viewed((1, *self.state_shape[1:]), (0, self.width, 0, 1)))
            kept = self.matrices(engine, recurrence)
            for step in self.order():
                with engine.scope():
                    self._step(engine, h, offset, projected, recurrence, kept, step)
                    store_f32(engine, self.state_view(out, step), h)

    def _step(self, engine: Engine, h: Operand, offset: Operand, projected: GlobalView, recurrence: GlobalView, kept: Sequence[Operand],
              step: int) -> None:
        raw, gates, inner = (self.new_gates(engine, count) for count in (self.count, 2, 1))
        self.load_projected(engine, raw, projected, step, 0)
        for gate in range(2):
            self.multiply(engine, self.gate(engine, raw, gate), h, recurrence, kept, gate, is_added=True)
        sigmoid(engine, gates, engine.images(raw, 0, 2 * self.batch))
        z, reset = (self.gate(engine, gates, gate) for gate in range(2))
        if self.op.get("linear_before_reset"):
            self.multiply(engine, inner, h, recurrence, kept, 2, is_added=False)
            engine.add(inner, inner, offset)
            engine.mul(inner, inner, reset)
        else:
            engine.mul(reset, reset, h)
            self.multiply(engine, inner, reset, recurrence, kept, 2, is_added=False)
            engine.add(inner, inner, offset)
        engine.add(inner, inner, self.gate(engine, raw, 2))
        tanh(engine, reset, inner)
        engine.sub(inner, h, reset)
        engine.mul(inner, inner, z)
        engine.add(h, reset, inner)
