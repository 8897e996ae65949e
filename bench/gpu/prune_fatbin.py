# Zeros in a shared library the GPU machine code that one card never asks for, so that it compresses: code for other
# architectures than the one named, and kernels of attention and mixtures of experts. `prune_fatbin.py <in> <out>
# <architecture, as 90>`. Layout: fatbinary.h of the CUDA toolkit.
import re
import struct
import subprocess
import sys

LEAVE_OUT = re.compile(rb"moe|flash|fmha|cutlass|tensorrt_llm", re.I)


def section(data, wanted):
    """Offset and size of an ELF section."""
    (table,) = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    rows = [struct.unpack_from("<IIQQQQ", data, table + 64 * i) for i in range(count)]
    for name, _, _, _, offset, size in rows:
        at = rows[names][4] + name
        if data[at : data.index(b"\0", at)] == wanted:
            return offset, size
    raise SystemExit(f"expected a section {wanted.decode()}")


def main(source, target, arch):
    data = bytearray(open(source, "rb").read())
    at, size = section(data, b".nv_fatbin")
    end, kept, dropped = at + size, 0, 0
    while at < end:
        magic, _, header, length = struct.unpack_from("<IHHQ", data, at)
        if magic != 0xBA55ED50:
            at += 8
            continue
        entry, at = at + header, at + header + length
        while entry < at:
            _, _, head, padded = struct.unpack_from("<HHIQ", data, entry)
            (own,) = struct.unpack_from("<I", data, entry + 28)
            body = slice(entry + head, entry + head + padded)
            keep = own == arch
            if keep:
                code = subprocess.run(["zstd", "-dcq"], input=bytes(data[body]), capture_output=True).stdout or bytes(
                    data[body]
                )
                first = re.search(rb"\.nv\.info\.([^\0]+)", code)
                keep = not (first and LEAVE_OUT.search(first[1]))
            if keep:
                kept += padded
            else:
                data[body], dropped = bytes(padded), dropped + padded
            entry += head + padded
    if kept == 0:
        raise SystemExit(f"expected code for sm_{arch}, got none")
    open(target, "wb").write(data)
    print(f"kept {kept / 1e6:.1f} MB of {(kept + dropped) / 1e6:.1f}")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
