"""Reads ELF files: processor, static or dynamic, and the list of crates by cargo-auditable."""

import json
import struct
import zlib

ARCHITECTURES = {62: "amd64", 183: "arm64"}
INTERPRETER = 3  # the program header that names a dynamic loader


class NotAnImageBinary(Exception):
    """The file cannot be the program of an image without other files."""


def architecture(name, data):
    """The architecture of a static binary, as the image specification names it.

    Raises NotAnImageBinary for other files.
    """
    header = _header(name, data)
    machine = header["machine"]
    if machine not in ARCHITECTURES:
        known = ", ".join(f"{number} ({name})" for number, name in ARCHITECTURES.items())
        raise NotAnImageBinary(f"{name}: found ELF machine {machine}; expected one of: {known}")
    for kind, start, size in _segments(data, header):
        if kind == INTERPRETER:
            loader = data[start : start + size].rstrip(b"\0").decode(errors="replace")
            raise NotAnImageBinary(
                f"{name}: found a dynamically linked binary, which needs {loader}; "
                "expected a static one, because the image has no loader and no libraries. "
                "Without --binary, this script builds a static one"
            )
    return ARCHITECTURES[machine]


def crates(name, data):
    """The (name, version) of the crates in the binary's own list, or None without a list.

    Build-time crates (macros, build scripts) are omitted.
    """
    section = _section(data, _header(name, data), ".dep-v0")
    if section is None:
        return None
    packages = json.loads(zlib.decompress(section))["packages"]
    return {
        (package["name"], package["version"])
        for package in packages
        if package.get("kind") != "build"
    }


def glibc(data):
    """The version of glibc in a static binary, such as "Debian GLIBC 2.36-9", or None."""
    start = data.find(b"GNU C Library (")
    if start < 0:
        return None
    line = data[start : start + 200].split(b"\n")[0].decode(errors="replace")
    return line.removeprefix("GNU C Library (").split(")")[0]


def _header(name, data):
    if data[:4] != b"\x7fELF":
        raise NotAnImageBinary(
            f"{name}: found something that is not an ELF file; expected a Linux program"
        )
    if len(data) < 64 or data[4:6] != b"\x02\x01":
        raise NotAnImageBinary(
            f"{name}: found an ELF file of another kind; "
            "expected a whole one of 64 bits, little-endian"
        )
    kind, machine = struct.unpack_from("<HH", data, 16)
    segments, sections = struct.unpack_from("<QQ", data, 32)
    segment_size, segment_count, section_size, section_count, names = struct.unpack_from(
        "<HHHHH", data, 54
    )
    if kind not in (2, 3):
        raise NotAnImageBinary(f"{name}: found ELF type {kind}; expected a program (2 or 3)")
    return {
        "machine": machine,
        "segments": (segments, segment_size, segment_count),
        "sections": (sections, section_size, section_count),
        "names": names,
    }


def _segments(data, header):
    offset, size, count = header["segments"]
    for at in range(offset, offset + size * count, size):
        kind, _flags, start, _virtual, _physical, length = struct.unpack_from("<IIQQQQ", data, at)
        yield kind, start, length


def _section(data, header, wanted):
    offset, size, count = header["sections"]
    if count == 0:
        return None
    table = [struct.unpack_from("<IIQQQQ", data, offset + size * index) for index in range(count)]
    names = table[header["names"]][4]
    for name, _kind, _flags, _address, start, length in table:
        text = data[names + name : data.index(b"\0", names + name)]
        if text == wanted.encode():
            return data[start : start + length]
    return None
