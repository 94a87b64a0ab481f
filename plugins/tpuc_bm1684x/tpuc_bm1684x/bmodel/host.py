"""What a file says about ops behind the chip: its section has them under "host"."""

from __future__ import annotations

import numpy as np

from tpuc_bm1684x.bmodel.content import Stage
from tpuc_core.host_part import HostPart


def host_part_of(stage: Stage) -> HostPart | None:
    """The ops behind the chip, with the weights that they read; None where there are none. Raises TpucError for a damaged section."""
    content = stage.section.content.get("host") if stage.section is not None else None
    if content is None:
        return None
    read = {name for op in content.get("ops", ()) for name in op.get("operands", ())}
    constants = {
        place.name: np.frombuffer(stage.coefficients[place.offset : place.offset + place.size_bytes], np.float32)
        for place in stage.weights
        if place.name in read
    }
    return HostPart(content, constants)
