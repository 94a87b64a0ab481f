"""Importers of TFLite operators, one file a family."""
