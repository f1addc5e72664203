#!/usr/bin/env python3
"""Builds Watchword's container image without Docker: the same input gives the same digest.

Needs Rust, a C compiler with a static C library, and Python 3.10 or newer. docs/image.md has more.
"""

import argparse
import datetime
import os
import shutil
import subprocess
import sys
from pathlib import Path

import binary
import contents
import crates
import elf
import oci

ROOT = contents.ROOT
# Bundles of certificate authorities of Debian and most others, of Fedora, of Alpine and BSD.
CA_BUNDLES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
]


def main():
    options = arguments()
    # New directories get the permissions that they have in the image.
    os.umask(0o022)
    try:
        build(options)
    except (binary.CannotBuild, elf.NotAnImageBinary) as problem:
        sys.exit(f"helm/image/build.py: {problem}")
    except OSError as problem:
        sys.exit(f"helm/image/build.py: {problem.filename}: {problem.strerror}")
    except subprocess.CalledProcessError as problem:
        command = " ".join(problem.cmd)
        sys.exit(f"helm/image/build.py: failed with exit code {problem.returncode}: {command}")


def arguments():
    parser = argparse.ArgumentParser(
        prog="helm/image/build.py",
        description="Builds Watchword's container image without Docker. "
        "The same input gives the same digest.",
        epilog="Input is the checkout, the toolchain, the CA bundle, the time and the labels. "
        "The output directory gets oci/ (an OCI layout), watchword-VERSION-ARCH.tar (the same as "
        "one file, for docker load, skopeo, ctr) and watchword-VERSION-ARCH.cdx.json (a CycloneDX "
        "bill of materials).",
    )
    option = parser.add_argument
    option(
        "--target",
        default=binary.default_target(),
        metavar="TRIPLE",
        help="the target platform (default: %(default)s)",
    )
    option(
        "--binary", type=Path, metavar="FILE", help="use this static binary instead of building one"
    )
    option(
        "--no-audit-data",
        action="store_true",
        help="omit the list of crates in the binary, which needs cargo-auditable",
    )
    option(
        "--ca-bundle",
        type=Path,
        metavar="FILE",
        help="the trusted certificate authorities, in PEM (default: this system's)",
    )
    option(
        "--output",
        type=Path,
        default=ROOT / "target" / "container",
        metavar="DIR",
        help="default: target/container",
    )
    option(
        "--rootfs",
        action="store_true",
        help="write only the files, DIR/base and DIR/program, for the Dockerfile",
    )
    option("--tag", metavar="NAME:TAG", help="the image's name (default: watchword:VERSION)")
    option(
        "--epoch",
        type=int,
        metavar="SECONDS",
        help="all times in the image (default: SOURCE_DATE_EPOCH, the commit's time, or 0)",
    )
    option(
        "--revision",
        metavar="COMMIT",
        help="the label (default: the checkout's; -dirty if there are uncommitted changes)",
    )
    option("--source", metavar="URL", help="the label: the URL of the source code")
    return parser.parse_args()


def build(options):
    epoch = image_time(options)
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    bundle = ca_bundle(options.ca_bundle)
    path = options.binary or binary.build(ROOT, options.target, not options.no_audit_data)
    program = path.read_bytes()
    architecture = elf.architecture(path, program)
    used = crates.in_binary(ROOT, options.target, binary.cargo())
    glibc = elf.glibc(program)
    bill = crates.bill_of_materials(used, created, others(glibc))
    revision = options.revision if options.revision is not None else revision_of_checkout()
    documents = contents.documents(
        crates.notices(used), bill, glibc, standard_library(), options.source
    )
    base, top = contents.base(bundle, documents), contents.program(program)
    if options.rootfs:
        for name, files in ("base", base), ("program", top):
            write(options.output / name, files, epoch)
        return
    version = used[0].version
    layers = [
        oci.Layer(base, epoch, "certificate authorities, users, licences, list of crates"),
        oci.Layer(top, epoch, "the program"),
    ]
    labels = contents.labels(version, created, revision, options.source)
    image = oci.Image(architecture, created, contents.settings(labels), layers)
    discard(options.output / "oci")
    files = image.layout(options.tag or f"watchword:{version}")
    name = f"watchword-{version}-{architecture}"
    write(
        options.output / "oci", {path: (0o644, content) for path, content in files.items()}, epoch
    )
    write(
        options.output,
        {f"{name}.tar": (0o644, oci.archive(files, epoch)), f"{name}.cdx.json": (0o644, bill)},
        epoch,
    )
    report(options.output / f"{name}.tar", image, layers, program)


def image_time(options):
    if options.epoch is not None:
        return options.epoch
    if text := os.environ.get("SOURCE_DATE_EPOCH"):
        if not text.isdecimal():
            raise binary.CannotBuild(
                f"SOURCE_DATE_EPOCH: found {text!r}; expected seconds since 1970"
            )
        return int(text)
    return int(git("log", "-1", "--format=%ct") or 0)


def revision_of_checkout():
    commit = git("rev-parse", "HEAD")
    return f"{commit}-dirty" if commit and git("status", "--porcelain") else commit


def git(*arguments):
    """The output of git, or "" without git or a repository."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return ""
    return answer.stdout.decode().strip()


def ca_bundle(chosen):
    path = chosen or next((Path(path) for path in CA_BUNDLES if os.path.exists(path)), None)
    if path is None:
        raise binary.CannotBuild(
            f"no certificate authorities found in {', '.join(CA_BUNDLES)}; "
            "name a PEM file with --ca-bundle"
        )
    content = path.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise binary.CannotBuild(
            f"{path}: found no certificate; expected a PEM bundle of certificate authorities"
        )
    return content


def standard_library():
    """Rust's own notices, or None: toolchains not installed by rustup may lack them."""
    answer = subprocess.run(
        ["rustc", "--print", "sysroot"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    path = Path(answer.stdout.decode().strip(), "share/doc/rust/COPYRIGHT-library.html")
    return path.read_bytes() if path.exists() else None


def others(glibc):
    if not glibc:
        return []
    licence = [{"expression": "LGPL-2.1-or-later"}]
    return [
        {
            "type": "library",
            "bom-ref": "glibc",
            "name": "glibc",
            "version": glibc,
            "licenses": licence,
        }
    ]


def discard(layout):
    """Removes an older layout, and no other directory."""
    if (layout / "oci-layout").exists():
        shutil.rmtree(layout)


def write(folder, files, mtime):
    for path, (mode, content) in sorted(files.items()):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            place.mkdir(exist_ok=True)
        else:
            place.write_bytes(content)
        place.chmod(mode)
        os.utime(place, (mtime, mtime))


def report(archive, image, layers, program):
    print(archive)
    print(f"digest      {image.digest}")
    print(f"compressed  {image.compressed_size:>9,} bytes")
    print(f"  base      {len(layers[0].blob):>9,} bytes")
    print(f"  program   {len(layers[1].blob):>9,} bytes, unpacked {len(program):,}")


if __name__ == "__main__":
    main()
