"""The core of tpuc: IR, hook specifications, pass machinery and command line; knows no model format, quantizer or chip."""

__version__ = "0.1.0"
