"""Executes bmodels: `simulator.Simulator(path).run(inputs)` gives the bits that the chip gives."""
