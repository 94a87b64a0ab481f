"""Runs bmodels in the chip vendor's runtime library; docs/bmrt.md says what of it was tried."""
