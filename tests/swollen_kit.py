"""Small streams that decompress to very much, for what must not unpack them."""

import zlib
from functools import cache

MIB = 1 << 20
_MODULUS = 65_521  # of Adler-32 (RFC 1950, 8.2)


@cache
def swollen(piece: bytes, mebibytes: int) -> bytes:
    """A zlib stream of a piece that is repeated for so many MiB. Needs neither the memory nor the time to pack them.

    One MiB is packed, ended at the border of a byte and without reference to what is before, and repeated as it is.
    """
    block = piece * (MIB // len(piece))
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + packed * mebibytes + b"\x03\x00" + _checksum(block, mebibytes).to_bytes(4, "big")


def _checksum(block: bytes, times: int) -> int:
    """The Adler-32 of a block that is repeated: its two sums grow by as much with each."""
    one = zlib.adler32(block)
    add_low, add_high = (one & 0xFFFF) - 1, (one >> 16) - len(block)  # beyond the 1 that the first sum begins with
    low, high = 1, 0
    for _ in range(times):
        high = (high + len(block) * low + add_high) % _MODULUS
        low = (low + add_low) % _MODULUS
    return (high << 16) | low
