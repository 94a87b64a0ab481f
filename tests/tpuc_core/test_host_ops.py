"""A model ends before what no chip runs."""

from tpuc_core.host_ops import end_before_host_ops
from tpuc_core.ir import Model, tensor_name, tensor_type, top


def chosen_of(*, has_more: bool) -> Model:
    """relu, its three greatest values, and a function of them; with another output that does not need them."""
    model = Model.new("net", "ONNX", [tensor_type((1, 10))])
    block = model.main.body.block
    x, relu = top.InputOp.make("x", [block.args[0]], tensor_type((1, 10))), None
    block.add_op(x)
    block.add_op(relu := top.ReluOp.make("relu", [x.results[0]], tensor_type((1, 10))))
    block.add_op(best := top.TopKOp.make(["values", "places"], [relu.results[0]], [tensor_type((1, 3))] * 2, K=3, axis=1))
    block.add_op(double := top.MulConstOp.make("double", [best.results[0]], tensor_type((1, 3)), const_val=2.0))
    outputs = [double.results[0], best.results[1]]
    if has_more:
        block.add_op(root := top.SqrtOp.make("root", [relu.results[0]], tensor_type((1, 10))))
        outputs.append(root.results[0])
    model.set_outputs(outputs)
    return model


def test_what_follows_a_host_op_is_left_out_too():
    model = chosen_of(has_more=False)
    sentence = end_before_host_ops(model)
    assert [tensor_name(v) for v in model.outputs] == ["relu"] and [op.name for op in model.ops()] == ["top.Relu"]
    assert sentence == 'left to the host: "values" (top.TopK), "double" (top.MulConst), from the outputs relu'
    model.module.verify()


def test_other_outputs_stay():
    model = chosen_of(has_more=True)
    end_before_host_ops(model)
    assert [tensor_name(v) for v in model.outputs] == ["root", "relu"]


def test_a_model_without_host_ops_stays_as_it_is():
    model = chosen_of(has_more=False)
    end_before_host_ops(model)
    before = str(model.module)
    assert end_before_host_ops(model) == "" and str(model.module) == before
