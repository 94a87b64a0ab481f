"""The arithmetic of the chip on arrays, bit for bit as isa/spec says. Knows no IR."""
