"""The frame of importers, on a toy format: nodes (operator, input names, output name), tensors by name."""

import sys
from dataclasses import dataclass

import numpy as np
import pytest
from xdsl.dialects.builtin import f32

from tpuc_core.errors import TpucError
from tpuc_core.importing import MOST_CUTS, Converters, GraphImporter, ModelBuilder, NodeInfo, Unsupported
from tpuc_core.ir import element_type_of, is_none, is_weight, shape_of, tensor_name, tensor_type, top, verify
from tpuc_core.ir.dialects.quant import Uniform, UniformType

TOY = Converters("none", ())


@dataclass
class Step:
    op: str
    inputs: list[str]
    output: str


class ToyImporter(GraphImporter[Step, str]):
    converters = TOY

    def __init__(self):
        super().__init__("toy", "TOY", [tensor_type((1, 4))])
        self.values = {"in": self.emit_named("in", top.InputOp, list(self.model.main.args))}

    def info(self, node):
        return NodeInfo(node.op, f"n_{node.output}", node.inputs, [node.output])

    def end_name(self, tensor):
        return tensor if tensor in self.values and tensor != "in" else None

    def value(self, name):
        self.require(name)
        return self.values[name]


@TOY.register("Relu", "Rectify")
def relu(importer, node):
    importer.values[node.output] = importer.emit_named(node.output, top.ReluOp, [importer.value(node.inputs[0])])


@TOY.register("Add")
def add(importer, node):
    importer.values[node.output] = importer.emit_named(node.output, top.AddOp, [importer.value(name) for name in node.inputs])


@TOY.register("Odd")
def odd(importer, node):
    raise Unsupported("an odd number")


@TOY.register("Bad")
def bad(importer, node):
    raise TpucError("its weight is missing")


def message_of(*nodes: Step) -> str:
    with pytest.raises(TpucError) as caught:
        ToyImporter().import_nodes(nodes)
    return str(caught.value)


def test_nodes_become_ops_in_order():
    importer = ToyImporter()
    importer.import_nodes([Step("Relu", ["in"], "a"), Step("Add", ["a", "in"], "b"), Step("Rectify", ["b"], "c")])
    importer.model.set_outputs([importer.values["c"]])
    verify(importer.model)
    assert [tensor_name(op.results[0]) for op in importer.model.ops()] == ["a", "b", "c"]
    assert importer.model.platform == "TOY" and shape_of(importer.values["c"]) == (1, 4)


def test_one_refused_node_is_named_with_where_to_end_the_model():
    message = message_of(Step("Relu", ["in"], "a"), Step("Odd", ["a"], "b"))
    assert message == '1 node cannot be imported: Odd "n_b" (an odd number). End the model before it: --output_names a'


def test_refused_nodes_are_grouped_and_what_reads_them_is_no_finding():
    nodes = [Step("Relu", ["in"], "a"), Step("Odd", ["a"], "b"), Step("New", ["in"], "c"), Step("Add", ["a", "b"], "d"), Step("Odd", ["d"], "e")]
    assert message_of(*nodes) == (
        '3 nodes cannot be imported: Odd "n_b", "n_e" (an odd number); New "n_c" (the operator is not supported). '
        "End the model before them: --output_names a"
    )


def test_no_cut_is_suggested_where_only_inputs_come_before():
    assert message_of(Step("Odd", ["in"], "a")).endswith("End the model before it with --output_names")


def test_no_more_than_some_cuts_are_suggested():
    names = [f"t{i}" for i in range(MOST_CUTS + 3)]
    message = message_of(*(Step("Relu", ["in"], name) for name in names), Step("Odd", names, "x"))
    assert message.endswith(f"--output_names {','.join(names[:MOST_CUTS])}")


def test_what_a_refused_node_made_before_it_was_refused_is_no_cut():
    @TOY.register("Half")
    def half(importer, node):
        relu(importer, node)
        raise Unsupported("a second half")

    assert message_of(Step("Half", ["in"], "a"), Step("New", ["a"], "b")).endswith("End the model before them with --output_names")


def test_an_error_of_a_node_names_it():
    assert message_of(Step("Bad", ["in"], "a")) == 'Bad node "n_a": its weight is missing'


def test_the_words_of_a_format_are_in_its_messages():
    class Layers(ToyImporter):
        noun = "layer"
        converters = Converters("none", (), noun="type")

    with pytest.raises(TpucError, match=r'^2 layers cannot be imported: New "n_a", "n_b" \(the type is not supported\)'):
        Layers().import_nodes([Step("New", ["in"], "a"), Step("New", ["in"], "b")])


def test_modules_and_extensions_are_loaded_when_a_function_is_looked_up(tmp_path, monkeypatch):
    package = tmp_path / "toy_format"
    package.mkdir()
    (package / "first.py").write_text("from toy_format.registry import converters\nconverters.register('A')(print)\n")
    (package / "registry.py").write_text(
        "from tpuc_core.importing import Converters\nconverters = Converters('toy_format', ['first'], extensions='toy')\n"
    )
    asked: list[str] = []
    monkeypatch.setattr("tpuc_core.importing.load_extensions", asked.append)
    monkeypatch.syspath_prepend(tmp_path)
    from toy_format.registry import converters  # type: ignore[import-not-found]

    assert "toy_format.first" not in sys.modules and not asked
    assert converters.of("A") is print and converters.of("A") is print
    assert asked == ["toy"] and list(converters.by_operator) == ["A"]
    with pytest.raises(Unsupported, match="the operator is not supported"):
        converters.of("B")


def built() -> ModelBuilder:
    builder = ModelBuilder("net", "TOY", [tensor_type((2, 3))])
    builder.emit_named("in", top.InputOp, list(builder.model.main.args))
    return builder


def test_weights_are_float32_and_have_axes():
    builder = built()
    weight = builder.add_weight("w", np.float64(2))
    assert is_weight(weight) and shape_of(weight) == (1,) and builder.model.weights["w"].dtype == np.float32
    with pytest.raises(TpucError, match='two weights of the name "w"'):
        builder.add_weight("w", np.ones(1))


def test_weights_of_another_element_are_kept_as_they_are():
    builder, element = built(), UniformType(Uniform("i8", (0.5,), (3,), f32))
    weight = builder.add_weight("w", np.array([4, 5], np.int8), element)
    assert element_type_of(weight) == element and builder.model.weights["w"].dtype == np.int8
    assert builder.model.real_weight(weight).tolist() == [0.5, 1.0]


def test_ops_take_the_element_type_that_is_given():
    builder, element = ModelBuilder("net", "TOY", [tensor_type((2, 3))]), UniformType(Uniform("i8", (0.5,), (3,), f32))
    value = builder.emit_named("in", top.InputOp, list(builder.model.main.args), element)
    assert element_type_of(value) == element and shape_of(value) == (2, 3)


def test_results_that_are_not_wanted_are_none():
    builder = built()
    x = next(iter(builder.model.inputs)).results[0]
    values, indices = builder.emit_results(["v", "i"], top.TopKOp, [x], wanted=[True, False], K=2, axis=1, largest=True)
    assert shape_of(values) == (2, 2) and is_none(indices)
    both = builder.emit_results(["v2", "i2"], top.TopKOp, [x], K=2, axis=1, largest=True)
    assert [shape_of(value) for value in both] == [(2, 2)] * 2


def test_operands_that_do_not_fit_are_an_error_of_the_op():
    builder = built()
    with pytest.raises(TpucError, match=r'^top\.MatMul "y"'):
        x = next(iter(builder.model.inputs)).results[0]
        builder.emit_named("y", top.MatMulOp, [x, builder.add_weight("w", np.ones((4, 5))), builder.none()])


def test_a_shared_weight_is_one_as_long_as_its_numbers_are():
    builder, numbers = built(), np.arange(4, dtype=np.float32)
    first = builder.shared_weight("w", numbers)
    assert builder.shared_weight("w", numbers.copy()) is first
    others = [builder.shared_weight("w", array) for array in (numbers * 2, numbers.reshape(2, 2), numbers * 2)]
    assert [tensor_name(value) for value in others] == ["w_fix", "w_fix_2", "w_fix"] and others[0] is others[2]
    assert builder.shared_weight("w", numbers) is first
