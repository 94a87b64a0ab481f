"""The decimal text of floats in MLIR files: the shortest of two fixed lengths that reads back as the same bits.

A value is printed with six significant digits where those are enough, else with seventeen (f64) or nine (f32), else as the
hexadecimal digits of its bits. The digits come out of a truncating division, not out of correct rounding, so that
1/127 ends in ...959 where Python's own conversion would end in ...96.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from functools import lru_cache

_PACKED = {32: ">f", 64: ">d"}
_SHORT_DIGITS = 6
_LONG_DIGITS = {32: 9, 64: 17}
# log2(10), as the fraction that decides how many bits a count of decimal digits is worth
_BITS_PER_59_DIGITS = 196


def float_text(value: float, width: int = 64) -> str:
    """The text of a float of `width` bits (32 or 64), as MLIR writes it."""
    if math.isnan(value) or math.isinf(value):
        return _bits_text(value, width)
    if value == 0:
        return "-0.000000e+00" if math.copysign(1.0, value) < 0 else "0.000000e+00"
    return _finite_text(value, width)


def float_from_bits(text: str, width: int = 64) -> float:
    """The float whose bits are the hexadecimal literal `text`, such as "0x7FF0000000000000"."""
    return struct.unpack(_PACKED[width], int(text, 16).to_bytes(width // 8, "big"))[0]


@lru_cache(maxsize=4096)
def _finite_text(value: float, width: int) -> str:
    sign, magnitude = ("-", -value) if value < 0 else ("", value)
    digits, exponent = _significant_digits(magnitude, _SHORT_DIGITS)
    power = exponent + len(digits) - 1
    short = f"{digits[0]}.{digits[1:].ljust(6, '0')}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if _reads_back(short, magnitude, width):
        return sign + short
    long = _long_text(magnitude, width)
    return _bits_text(value, width) if long is None else sign + long


def _bits_text(value: float, width: int) -> str:
    return "0x" + struct.pack(_PACKED[width], value).hex().upper()


def _reads_back(text: str, value: float, width: int) -> bool:
    if width == 64:
        return float(text) == value
    try:
        return struct.pack(_PACKED[width], float(text)) == struct.pack(_PACKED[width], value)
    except OverflowError:
        return False


def _long_text(value: float, width: int) -> str | None:
    """The long form of a positive float, or None where that would be an integer without a point."""
    digits, exponent = _significant_digits(value, _LONG_DIGITS[width])
    leading_power = exponent + len(digits) - 1
    if exponent >= 0:
        is_scientific = exponent > 3 or len(digits) + exponent > _LONG_DIGITS[width]
        if not is_scientific:
            return None
    else:
        is_scientific = leading_power < -3
    if is_scientific:
        power_sign = "-" if leading_power < 0 else "+"
        return f"{digits[0]}.{digits[1:] or '0'}E{power_sign}{abs(leading_power)}"
    point = len(digits) + exponent
    if point > 0:
        return f"{digits[:point]}.{digits[point:]}"
    return f"0.{'0' * -point}{digits}"


def _significant_digits(value: float, count: int) -> tuple[str, int]:
    """At most `count` decimal digits of a positive float, without trailing zeros, and the power of ten of the last one."""
    exact = Fraction(value)
    denominator_bits = exact.denominator.bit_length() - 1
    number, exponent = exact.numerator * 5**denominator_bits, -denominator_bits
    bits, enough_bits = number.bit_length(), (count * _BITS_PER_59_DIGITS + 58) // 59
    if bits > enough_bits:
        dropped = (bits - enough_bits) * 59 // _BITS_PER_59_DIGITS
        number, exponent = number // 10**dropped, exponent + dropped
    digits = str(number)
    if len(digits.rstrip("0")) > count:
        cut = len(digits) - count
        number = int(digits[:count]) + (digits[count] >= "5")
        digits, exponent = str(number), exponent + cut
    significant = digits.rstrip("0")
    return significant, exponent + len(digits) - len(significant)
