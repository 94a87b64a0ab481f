"""A tpuc plugin; see plugin.py for what it provides."""
