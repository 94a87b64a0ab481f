"""Finding what a command does."""

import subprocess
import sys

import pytest
from tpuc_bm1684x.isa import FORM_BY_NAME
from tpuc_bm1684x.simulator.execute.binding import NotModelled, bind
from tpuc_bm1684x.simulator.memory import Memory

KNOWN_AFTER_ONE_FAMILY = """
import tpuc_bm1684x.simulator.execute.pooling
from tpuc_bm1684x.isa import FORM_BY_NAME
from tpuc_bm1684x.simulator.execute.binding import bind
from tpuc_bm1684x.simulator.memory import Memory
sizes = dict.fromkeys(("src_nsize", "src_csize", "src_hsize", "src_wsize"), 1)
bind(FORM_BY_NAME["DMA_tensor"](src_start_addr=1 << 32, dst_start_addr=1 << 32, nchw_copy=1, **sizes), Memory(64))()
"""


@pytest.mark.parametrize("form", ["LAR", "SEG", "sSEG", "DMA_nonzero", "DMA_masked_select"])
def test_forms_that_are_not_modelled_say_so(form):
    with pytest.raises(NotModelled, match="this form of command is not modelled"):
        bind(FORM_BY_NAME[form](), Memory(64))


def test_all_families_are_known_wherever_one_was_imported_before():
    done = subprocess.run([sys.executable, "-c", KNOWN_AFTER_ONE_FAMILY], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
