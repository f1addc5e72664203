#!/usr/bin/env python3
"""Builds the real image and checks it.

It checks the size, that a second build is the same, that the two lists of crates agree, and that
the image runs in a container without privileges. The last needs runc and root; without them, the
script prints that it did not check this.
"""

import json
import os
import shutil
import sys

import binary
import contents
import elf
import oci

LIMIT = 5_000_000
OUTPUT = binary.target_folder(contents.ROOT) / "container-check"
# Fixed time and commit, because the checkout may change between the two builds.
BUILD = [sys.executable, contents.HERE / "build.py", "--epoch", "1", "--revision", "check"]


def main():
    shutil.rmtree(OUTPUT, ignore_errors=True)
    first, again = OUTPUT / "first", OUTPUT / "again"
    target = binary.default_target()
    binary.run([*BUILD, "--output", first], contents.ROOT)
    layout = first / "oci"
    program = binary.target_folder(contents.ROOT) / target / binary.PROFILE / "watchword"
    binary.run([*BUILD, "--output", again, "--binary", program], contents.ROOT)
    expect("a second build of the image is the same", same(first, again))
    size = compressed_size(layout)
    expect(f"the image has {size:,} bytes compressed, of at most {LIMIT:,}", size <= LIMIT)
    listed, built_in = crates_of_list(), elf.crates(program, program.read_bytes())
    expect(
        f"the binary contains the {len(listed)} crates of the list",
        built_in is not None and listed <= built_in,
    )
    container(layout)


def expect(fact, holds):
    if not holds:
        sys.exit(f"helm/image/check.py: not true: {fact}")
    print(f"ok: {fact}", flush=True)


def same(first, second):
    names = [path.name for path in first.iterdir() if path.is_file()]
    return len(names) == 2 and all(
        (first / name).read_bytes() == (second / name).read_bytes() for name in names
    )


def compressed_size(layout):
    """The size of a pull: the manifest, and all blobs that it names."""
    pulled = json.loads((layout / "index.json").read_text())["manifests"]
    digest = pulled[0]["digest"]
    manifest = (layout / "blobs" / digest.replace(":", "/")).read_bytes()
    expect("the manifest has the digest that the index gives", oci.digest(manifest) == digest)
    content = json.loads(manifest)
    return (
        len(manifest)
        + content["config"]["size"]
        + sum(layer["size"] for layer in content["layers"])
    )


def crates_of_list():
    (path,) = (OUTPUT / "first").glob("*.cdx.json")
    components = json.loads(path.read_text())["components"]
    return {
        (component["name"], component["version"]) for component in components if "purl" in component
    }


def container(layout):
    if shutil.which("runc") is None:
        print("not checked: that the image runs without privileges; there is no runc")
    elif os.geteuid() != 0:
        print("not checked: that the image runs without privileges; runc needs root")
    else:
        command = [binary.cargo(), "test", "--locked", "--test", "image", "--", "--ignored"]
        binary.run(command, contents.ROOT, {**os.environ, "WATCHWORD_IMAGE": str(layout)})
        expect("the image runs without privileges", True)


if __name__ == "__main__":
    try:
        main()
    except binary.CannotBuild as problem:
        sys.exit(f"helm/image/check.py: {problem}")
