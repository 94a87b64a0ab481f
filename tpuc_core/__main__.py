"""`python -m tpuc_core` is `tpuc`."""

from tpuc_core.cli.main import main

main()
