"""Finds plugins through the entry-point group `tpuc`; one that does not load costs its own features only."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

import pluggy

from tpuc_core import hookspecs
from tpuc_core.errors import TpucError, unknown
from tpuc_core.run_mlir import MlirRunner

if TYPE_CHECKING:
    from pathlib import Path

    from tpuc_core.session import Session


@dataclass
class LoadedPlugin:
    """One entry point: the distribution it came from, and the reason when it could not be loaded."""

    name: str
    distribution: str
    version: str
    module: Any = None
    failure: str = ""


@dataclass
class Plugins:
    """All plugins of this installation."""

    manager: pluggy.PluginManager
    loaded: list[LoadedPlugin] = field(default_factory=list)

    def _all(self, hook: str) -> list[Any]:
        return list(itertools.chain.from_iterable(reversed(getattr(self.manager.hook, hook)())))

    @property
    def frontends(self) -> list[hookspecs.Frontend]:
        return self._all("tpuc_frontends")

    @property
    def runners(self) -> list[hookspecs.Runner]:
        """Those of plugins, and the built-in one for .mlir files."""
        return [*self._all("tpuc_runners"), MlirRunner()]

    @property
    def chips(self) -> list[hookspecs.Chip]:
        return self._all("tpuc_chips")

    @property
    def quantizers(self) -> list[hookspecs.Quantizer]:
        return self._all("tpuc_quantizers")

    @property
    def passes(self) -> list[Any]:
        return self._all("tpuc_passes")

    @property
    def dialects(self) -> list[Any]:
        return self._all("tpuc_dialects")

    @property
    def commands(self) -> list[hookspecs.Command]:
        return self._all("tpuc_commands")

    @property
    def metrics(self) -> dict[str, Any]:
        """Figures of merit by name, see tpuc_core.evaluate.metrics."""
        return {name: metric for given in self.manager.hook.tpuc_metrics() for name, metric in given.items()}

    @property
    def threshold_methods(self) -> dict[str, Any]:
        """Methods of calibration by name, see the hook."""
        return {name: method for given in self.manager.hook.tpuc_threshold_methods() for name, method in given.items()}

    def chip(self, name: str) -> hookspecs.Chip:
        """The chip of that name. Raises TpucError."""
        for chip in self.chips:
            if chip.name == name.lower():
                return chip
        raise unknown("chip", name, [c.name for c in self.chips])

    def quantizer(self, mode: str) -> hookspecs.Quantizer:
        """The quantizer for a mode. Raises TpucError."""
        for quantizer in self.quantizers:
            if mode.upper() in quantizer.modes:
                return quantizer
        raise unknown("mode", mode, [m for q in self.quantizers for m in q.modes])

    def frontend(self, suffix: str) -> hookspecs.Frontend:
        """The frontend for a file suffix such as ".onnx". Raises TpucError."""
        for frontend in self.frontends:
            if suffix.lower() in frontend.suffixes:
                return frontend
        raise unknown("model format", suffix, sorted(s for f in self.frontends for s in f.suffixes))

    def runner(self, suffix: str, name: str | None = None) -> hookspecs.Runner:
        """The runner for a file suffix, or the one of that name. Raises TpucError."""
        for runner in self.runners:
            if (name is None or runner.name == name) and suffix.lower() in runner.suffixes:
                return runner
        if name is not None and name not in [r.name for r in self.runners]:
            raise unknown("runner", name, [r.name for r in self.runners])
        if name is not None:
            raise TpucError(f'runner "{name}" does not run "{suffix}" files')
        raise unknown("model file kind", suffix, sorted({s for r in self.runners for s in r.suffixes}))


    def open(self, path: Path, runner: str | None = None, weight: Path | None = None) -> Session:
        """A session on a model file, by the runner of that name or the first that opens such files. `weight`: the file of its
        weights, for formats that keep them apart; by default the runner finds it. Raises TpucError."""
        found = self.runner(path.suffix, runner)
        if weight is None:
            return found.open(path)
        if not isinstance(found, hookspecs.RunnerOfTwoFiles):
            raise TpucError(f'--weight: "{path}" carries its weights')
        return found.open_with_weight(path, weight)


@cache
def plugins() -> Plugins:
    """The plugins of this process, loaded once."""
    manager = pluggy.PluginManager("tpuc")
    manager.add_hookspecs(hookspecs)
    found = Plugins(manager)
    for entry in sorted(metadata.entry_points(group="tpuc"), key=lambda e: e.name):
        dist = entry.dist
        plugin = LoadedPlugin(entry.name, dist.name if dist else "?", dist.version if dist else "?")
        try:
            plugin.module = entry.load()
            manager.register(plugin.module, name=entry.name)
        except Exception as error:  # a broken plugin must not break the command: `tpuc plugins` shows the reason
            plugin.failure = f"{type(error).__name__}: {error}"
        found.loaded.append(plugin)
    return found


@cache
def load_extensions(part: str) -> None:
    """Import what plugins add to a part of tpuc, see hookspecs.tpuc_extensions. One that does not load is named as its plugin's failure."""
    for plugin in plugins().loaded:
        for module in _extensions_of(plugin, part):
            try:
                import_module(module)
            except Exception as error:  # as above: costs its own features only
                plugin.failure = f"{module}: {type(error).__name__}: {error}"


def _extensions_of(plugin: LoadedPlugin, part: str) -> Sequence[str]:
    hook = getattr(plugin.module, "tpuc_extensions", None)
    return hook().get(part, ()) if hook else ()
