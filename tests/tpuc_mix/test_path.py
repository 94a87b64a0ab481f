"""Choices by expectation."""

import itertools
import random

import pytest
from tpuc_mix.costs import Costs
from tpuc_mix.noise import Noise, NoiseOfSample
from tpuc_mix.path import Landscape, Point, greedy_path, thinned

from tpuc_core.plan import Precision

HIGH = Precision.F32


@pytest.fixture(scope="module")
def noise(task, words):
    measure = NoiseOfSample(task).open()
    return Noise.mean(task, [measure(word) for word in words[:4]])


@pytest.fixture(scope="module")
def costs(task):
    return Costs.of(task, [HIGH])


def test_costs_are_near_the_compiled_ones(task, costs, tmp_path):
    """Estimates leave transfers out, so they lie below; what an op more costs is what counts."""
    everything = dict.fromkeys(task.movable(HIGH), HIGH)
    for choice in ({}, everything):
        assert 0 < costs.estimate(choice) <= task.cycles(choice, tmp_path / "x.bmodel")
    assert costs.estimate(everything) != costs.estimate({})


def test_casts_are_paid_where_precisions_meet(costs):
    one = costs.estimate({"depthwise": HIGH}) - costs.estimate({})
    own = costs.ops[HIGH]["depthwise"] - costs.ops[Precision.INT8]["depthwise"]
    assert one - own == costs.casts["first"] + costs.casts["depthwise"]


@pytest.mark.parametrize("seed", range(5))
def test_many_choices_at_a_time_are_the_same_as_one(task, noise, costs, seed):
    movable = task.movable(HIGH)
    land = Landscape(noise, costs, movable, HIGH)
    chosen = random.Random(seed).sample(movable, seed + 1)
    powers, cycles = land.evaluate(land.mask(chosen)[None])
    choice = dict.fromkeys(chosen, HIGH)
    assert powers[0] == pytest.approx(noise.total(choice), rel=1e-9)
    assert cycles[0] == costs.estimate(choice)


def test_a_path_grows_from_nothing_to_everything(task, noise, costs):
    movable = task.movable(HIGH)
    points = greedy_path(noise, costs, movable, HIGH)
    assert points[0].choice == {} and set(points[-1].choice) == set(movable)
    for before, after in itertools.pairwise(points):
        assert before.choice.keys() < after.choice.keys()
    assert points[0].noise == pytest.approx(noise.total({})) and points[-1].noise == 0
    for point in points:
        assert point.cycles == costs.estimate(point.choice)


def test_the_first_bargain_beats_every_single_op(task, noise, costs):
    points = greedy_path(noise, costs, task.movable(HIGH), HIGH)
    def worth(choice):
        gain, price = noise.total({}) - noise.total(choice), costs.estimate(choice) - costs.estimate({})
        return gain / price if price > 0 else float("inf")
    assert worth(points[1].choice) >= max(worth({name: HIGH}) for name in task.movable(HIGH))


def test_thinned_points_are_not_beaten_and_spread_out():
    points = [Point({str(c): HIGH}, 100 - c, c) for c in range(100)] + [Point({"bad": HIGH}, 99.5, 50)]
    chosen = thinned(points, 11)
    assert len(chosen) <= 11 and chosen[0].cycles == 0 and chosen[-1].cycles == 99
    assert all("bad" not in p.choice for p in chosen)
    gaps = [b.cycles - a.cycles for a, b in itertools.pairwise(chosen)]
    assert max(gaps) <= 20
