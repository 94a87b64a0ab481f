from __future__ import annotations

from tpuc_bmrt.plugin import BmrtRunner

from tpuc_core.plugins import plugins


def test_the_runner_is_found_by_name() -> None:
    assert isinstance(plugins().runner(".bmodel", "bmrt"), BmrtRunner)
