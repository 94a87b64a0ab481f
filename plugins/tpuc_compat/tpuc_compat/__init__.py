"""The commands of tpuc under the names that the tutorial types."""
