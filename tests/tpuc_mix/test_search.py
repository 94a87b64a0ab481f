"""Bisection and the front, on figures that a function makes."""

import pytest
from tpuc_mix.path import Point
from tpuc_mix.search import search

from tpuc_core.plan import Precision


class Made:
    """Figures and cycles by the number of ops chosen."""

    def __init__(self, value, limit, cycles=lambda n: 100 + n):
        self._value, self.limit, self.of_float, self._cycles = value, limit, 1.0, cycles
        self.asked = []

    def value(self, choice, title):
        self.asked.append(len(choice))
        return self._value(len(choice))

    def cycles(self, choice):
        return self._cycles(len(choice))


def points(count):
    return [Point({str(i): Precision.F16 for i in range(n)}, 1.0 / (n + 1), 100 + n) for n in range(count)]


def test_the_cheapest_that_reaches_the_goal_is_found():
    measurer = Made(lambda n: n / 31, 0.5)
    result = search(points(32), measurer, 7)
    assert len(result.best.choice) == 16
    assert len(measurer.asked) == 7 == len(set(measurer.asked))


def test_nothing_reaches_the_goal():
    result = search(points(8), Made(lambda n: n / 100, 0.5), 4)
    assert result.best is None and len(result.measured) == 4


def test_where_8_bits_do_nothing_is_chosen():
    assert search(points(8), Made(lambda n: 1.0, 0.5), 5).best.choice == {}


def test_float_may_be_the_cheaper_one():
    made = points(8)
    made[1] = Point(made[1].choice, 0.5, 90)
    result = search(made, Made(lambda n: 1.0, 0.5, cycles=lambda n: 90 if n == 1 else 100 + n), 4)
    assert len(result.best.choice) == 1


def test_the_front_is_not_beaten():
    figures = {0: 0.5, 1: 0.4, 2: 0.7, 3: 0.7, 4: 0.9}
    result = search(points(5), Made(figures.__getitem__, 0.6), 5)
    assert [len(m.choice) for m in result.front] == [0, 2, 4]
    assert len(result.best.choice) == 2


@pytest.mark.parametrize("budget", [2, 3, 50])
def test_the_budget_is_kept(budget):
    measurer = Made(lambda n: n / 31, 0.5)
    search(points(20), measurer, budget)
    assert len(measurer.asked) == min(budget, 20)
