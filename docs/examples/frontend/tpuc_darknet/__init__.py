"""Darknet networks for tpuc: a frontend as a plugin."""
