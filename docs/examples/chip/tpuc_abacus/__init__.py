"""A chip for tpuc: a virtual machine of four instructions, as a plugin."""
