"""`tpuc plugins`."""

import json

from tpuc_core.cli.main import run_command
from tpuc_core.cli.plugins import list_plugins


def test_each_plugin_is_listed_with_what_it_provides(capsys):
    assert run_command(list_plugins, ["--format", "json"]) == 0
    provided = {row["name"]: row["provides"] for row in json.loads(capsys.readouterr().out)}
    assert {"chip bm1684x", "runner simulator", "pass layer-group", "command bmodel info"} <= set(provided["bm1684x"])
    assert "frontend onnx" in provided["onnx"] and "quantizer INT8" in provided["int8"]


def test_the_table_has_a_line_for_each_plugin(capsys):
    assert run_command(list_plugins, []) == 0
    text = capsys.readouterr().out
    assert all(f"\n{name} " in text for name in ("bm1684x", "calibration", "compat", "int8", "onnx"))
