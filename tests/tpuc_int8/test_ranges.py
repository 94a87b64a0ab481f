"""Ranges agree where values only move."""

from tpuc_int8.ranges import corrected_ranges

from tpuc_core.ir import top


def test_what_moves_values_keeps_its_inputs_range(builder):
    x = builder.input((-2.0, 2.0))
    y = builder.add(top.UpsampleOp, "up", [x], (-1.5, 1.5), (1, 4, 16, 16), scale_h=2, scale_w=2)
    assert corrected_ranges(builder.done(y))["up"] == (-2.0, 2.0)


def test_an_interpolation_keeps_its_inputs_range_and_does_not_impose_one(builder):
    x = builder.input((-2.0, 2.0))
    y = builder.add(top.InterpOp, "up", [x], (-1.5, 1.5), (1, 4, 16, 16), coord_mode="half_pixel", mode="linear")
    z = builder.add(top.ReluOp, "relu", [y], (0.0, 1.5), (1, 4, 16, 16))
    ranges = corrected_ranges(builder.done(z))
    assert ranges["x"] == ranges["up"] == (-2.0, 2.0)


def test_inputs_of_a_concatenation_take_its_range(builder):
    x = builder.input((-2.0, 2.0))
    a = builder.add(top.SiLUOp, "a", [x], (-0.3, 1.0))
    b = builder.add(top.TanhOp, "b", [x], (-0.9, 0.9))
    y = builder.add(top.ConcatOp, "y", [a, b], (-1.0, 1.0), (1, 8, 8, 8), axis=1)
    ranges = corrected_ranges(builder.done(y))
    assert ranges["a"] == ranges["b"] == ranges["y"]


def test_an_input_that_others_read_keeps_its_range(builder):
    x = builder.input((-2.0, 2.0))
    a = builder.add(top.SiLUOp, "a", [x], (-0.3, 1.0))
    y = builder.add(top.ConcatOp, "y", [a, x], (-2.5, 2.5), (1, 8, 8, 8), axis=1)
    ranges = corrected_ranges(builder.done(y))
    assert ranges["x"] == (-2.0, 2.0) and ranges["a"] == (-2.5, 2.5)


def test_a_concatenations_range_reaches_through_what_moves_values(builder):
    x = builder.input((-2.0, 2.0))
    a = builder.add(top.SiLUOp, "a", [x], (-0.3, 1.0))
    up = builder.add(top.UpsampleOp, "up", [a], (-0.3, 1.0), (1, 4, 8, 8), scale_h=1, scale_w=1)
    y = builder.add(top.ConcatOp, "y", [up, x], (-3.0, 3.0), (1, 8, 8, 8), axis=1)
    assert corrected_ranges(builder.done(y))["a"] == (-3.0, 3.0)


def test_a_fused_relu_stays_unsigned_before_a_signed_concatenation(builder):
    x = builder.input((-2.0, 2.0))
    a = builder.add(top.AddOp, "a", [x, x], (0.0, 4.0), do_relu=True)
    y = builder.add(top.ConcatOp, "y", [a, x], (-4.0, 4.0), (1, 8, 8, 8), axis=1)
    assert corrected_ranges(builder.done(y))["a"] == (0.0, 4.0)


def test_the_producer_of_a_max_pool_takes_its_range(builder):
    x = builder.input((-2.0, 2.0))
    a = builder.add(top.AddOp, "a", [x, x], (0.0, 4.0), do_relu=True)
    y = builder.add(top.MaxPoolOp, "y", [a], (0.0, 3.5), (1, 4, 4, 4), kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)
    ranges = corrected_ranges(builder.done(y))
    assert ranges["a"] == ranges["y"] == (0.0, 3.5)


def test_a_sigmoid_lies_between_0_and_1_and_its_logarithm_does_not(builder):
    x = builder.input()
    a = builder.add(top.SigmoidOp, "a", [x], (0.2, 0.7))
    b = builder.add(top.SigmoidOp, "b", [x], (-3.0, -0.1), log=True)
    ranges = corrected_ranges(builder.done(a, b))
    assert ranges["a"] == (0.0, 1.0) and ranges["b"] == (-3.0, -0.1)


def test_the_producer_of_a_relu_gives_only_what_the_relu_keeps(builder):
    x = builder.input((-2.0, 2.0))
    a = builder.add(top.AddOp, "a", [x, x], (-4.0, 4.0))
    ranges = corrected_ranges(builder.done(builder.add(top.ReluOp, "y", [a], (0.0, 3.0))))
    assert ranges["a"] == (0.0, 3.0)
