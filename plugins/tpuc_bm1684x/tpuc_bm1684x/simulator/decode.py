"""From the bytes of a net to commands in the order in which they run, checked as far as can be without running."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tpuc_bm1684x.bmodel import CommandGroup, Stage
from tpuc_bm1684x.isa.fields import Command
from tpuc_bm1684x.isa.stream import Engine, decode_stream, is_end
from tpuc_bm1684x.isa.tiu import System
from tpuc_core.errors import TpucError

LANE_REGISTER, LANE_REGISTER_LOAD, LANE_REGISTER_COLLECT = 2, 3, 4


@dataclass(frozen=True)
class Entry:
    """A command of a net: its group, its engine, and the lanes that replace its own mask, or None."""

    group: int
    engine: Engine
    command: Command
    lane_mask: int | None = None

    @property
    def cmd_id(self) -> int:
        return self.command.values().get("cmd_id", 0)

    def __str__(self) -> str:
        return (
            f"{self.engine} command {self.cmd_id} of group {self.group} ({self.command.form} {self.command.operation})"
        )


@dataclass(frozen=True)
class Group:
    """The commands of both engines, without the closing ones."""

    index: int
    tiu: list[Entry]
    gdma: list[Entry]

    def in_order(self) -> Iterator[Entry]:
        """The commands in an order that keeps each engine's and starts none before what it waits for.

        TpucError where the engines wait for each other, or for a command that does not exist.
        """
        queues = {"gdma": self.gdma, "tiu": self.tiu}
        done, position = {"gdma": 0, "tiu": 0}, {"gdma": 0, "tiu": 0}
        while any(position[engine] < len(queue) for engine, queue in queues.items()):
            moved = False
            for engine, other in (("gdma", "tiu"), ("tiu", "gdma")):
                queue = queues[engine]
                while position[engine] < len(queue):
                    entry = queue[position[engine]]
                    if entry.command.values().get("cmd_id_dep", 0) > done[other]:
                        break
                    yield entry
                    done[engine] = entry.cmd_id
                    position[engine] += 1
                    moved = True
            if not moved:
                raise self._deadlock(queues, position)

    def _deadlock(self, queues: dict[str, list[Entry]], position: dict[str, int]) -> TpucError:
        waiting = [queue[position[engine]] for engine, queue in queues.items() if position[engine] < len(queue)]
        text = " and ".join(
            f"{entry} waits for {'gdma' if entry.engine == 'tiu' else 'tiu'} command "
            f"{entry.command.values()['cmd_id_dep']}"
            for entry in waiting
        )
        return TpucError(f"deadlock: {text}, which never ends")


def decode_group(index: int, group: CommandGroup) -> Group:
    """A command group. TpucError: unknown or cut commands, ids that do not ascend, no closing command."""
    tiu = list(_with_lane_register(index, _entries(index, "tiu", group.tiu, group.tiu_count)))
    return Group(index, tiu, list(_entries(index, "gdma", group.gdma, group.gdma_count)))


def _entries(index: int, engine: Engine, stream: bytes, count: int) -> Iterator[Entry]:
    try:
        commands = decode_stream(engine, stream)
    except TpucError as error:
        raise TpucError(f"group {index}: {error}") from error
    if count and count != len(commands):
        raise TpucError(f"group {index}: the {engine} stream holds {len(commands)} commands; the file says {count}")
    last = 0
    for number, command in enumerate(commands, 1):
        entry = Entry(index, engine, command)
        if "cmd_id" in command.fields:
            if entry.cmd_id <= last:
                raise TpucError(f"{entry} is number {number} of its stream; its id must be above {last}")
            last = entry.cmd_id
        if not is_end(type(command), command.to_bytes()):
            yield entry


def _with_lane_register(index: int, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Applies the lane register of system commands: while it is on it replaces the mask of each data command."""
    register: int | None = None
    for entry in entries:
        command = entry.command
        if isinstance(command, System):
            if command.tsk_eu_typ in (LANE_REGISTER_LOAD, LANE_REGISTER_COLLECT):
                raise TpucError(f"{entry} is not modelled: it takes lanes from local memory")
            if command.tsk_eu_typ == LANE_REGISTER:
                register = command.operand if command.next_only or command.always else None
                is_once = not command.always
            continue
        yield Entry(index, "tiu", command, register)
        if register is not None and is_once:
            register = None


def decode_stage(stage: Stage) -> list[Group]:
    """The command groups of a net's stage, in order of execution. TpucError for parts that have no commands."""
    for number, subnet in enumerate(stage.subnets):
        if subnet.is_dynamic or subnet.kind != "tpu":
            kind = "dynamic" if subnet.is_dynamic else subnet.kind
            raise TpucError(f"subnet {number} is {kind}: only static subnets of TPU commands can be simulated")
    return [decode_group(index, group) for index, group in enumerate(stage.groups)]


def command_table(groups: list[Group]) -> np.ndarray:
    """One row a command in stream order, for reports: group, engine, id, id waited for, form, operation."""
    rows = [
        (e.group, e.engine, e.cmd_id, e.command.values().get("cmd_id_dep", 0), e.command.form, e.command.operation)
        for group in groups
        for e in (*group.tiu, *group.gdma)
    ]
    return np.array(
        rows, [("group", int), ("engine", "U4"), ("id", int), ("waits_for", int), ("form", "U20"), ("operation", "U24")]
    )
