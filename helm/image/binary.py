"""Builds the static binary, without a path of this machine in it.

The same bytes need the same Rust, C compiler and C library, and the same directories: cargo derives
the names of `OUT_DIR` and of symbols from these flags, too.
"""

import os
import platform
import subprocess
from pathlib import Path

PROFILE = "image"
AUDITABLE = "0.7.7"


class CannotBuild(Exception):
    """The reason, as a message for the user of the script."""


def default_target():
    return f"{platform.machine().replace('arm64', 'aarch64')}-unknown-linux-gnu"


def cargo():
    """The cargo to call: `$CARGO`, which cargo itself sets too, or the one on the PATH."""
    return os.environ.get("CARGO", "cargo")


def target_folder(root):
    return Path(os.environ.get("CARGO_TARGET_DIR", root / "target")).absolute()


def build(root, target, audit_data):
    """Builds the binary of the checkout `root`, and returns its path.

    With `audit_data`, the binary contains the list of its crates.
    """
    folder = target_folder(root)
    arguments = [
        "build",
        "--locked",
        "--profile",
        PROFILE,
        "--target",
        target,
        "--bin",
        "watchword",
    ]
    run([cargo(), "fetch", "--locked"], root)
    command = [_auditable(root, folder), "auditable"] if audit_data else [cargo()]
    run([*command, *arguments], root, _environment(root, folder, target))
    program = folder / target / PROFILE / "watchword"
    if target == default_target():
        _starts(program)
    return program


def _starts(program):
    status = subprocess.run([program, "--version"], stdout=subprocess.DEVNULL).returncode
    if status != 0:
        raise CannotBuild(
            f"{program} was built, but does not start (exit code {status}); "
            "is the C library older than glibc 2.36?"
        )


def run(command, root, environment=None):
    """Runs a command, and raises CannotBuild if it fails."""
    command = [str(word) for word in command]
    try:
        status = subprocess.run(command, cwd=root, env=environment).returncode
    except FileNotFoundError:
        raise CannotBuild(f"{command[0]} is not on the PATH") from None
    if status != 0:
        raise CannotBuild(f"failed with exit code {status}: {' '.join(command)}")


def _environment(root, folder, target):
    """The environment for a static binary without a path of this machine in it.

    It ignores the caller's own flags, which would make another binary.
    """
    # Packed relocations (glibc 2.36 or newer) have a tenth of the usual size.
    flags = ["-Ctarget-feature=+crt-static", "-Clink-arg=-Wl,-z,pack-relative-relocs"]
    # If several prefixes match, rustc uses the last.
    flags += [f"--remap-path-prefix={here}={there}" for here, there in _places(root, folder)]
    environment = {
        **os.environ,
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "CARGO_INCREMENTAL": "0",
    }
    # For timestamps that a compiler may write (__DATE__).
    environment.setdefault("SOURCE_DATE_EPOCH", "0")
    processor = target.split("-")[0]
    if processor != default_target().split("-")[0]:
        compiler = f"{processor}-linux-gnu-gcc"
        name = target.replace("-", "_")
        environment.setdefault(f"CC_{name}", compiler)
        environment.setdefault(f"CARGO_TARGET_{name.upper()}_LINKER", compiler)
    return environment


def _places(root, folder):
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    yield root, "/watchword"
    yield folder, "/target"
    # The directory's name contains the address of the registry, which may be a mirror.
    for registry in sorted((home / "registry" / "src").glob("*")):
        yield registry, "/crates"
    system = subprocess.run(
        ["rustc", "--print", "sysroot"], cwd=root, stdout=subprocess.PIPE, check=True
    )
    yield Path(system.stdout.decode().strip(), "lib/rustlib/src/rust"), "/rust"


def _auditable(root, folder):
    """cargo-auditable in our version; installed in the build directory if it is missing."""
    place = folder / "tools" / f"cargo-auditable-{AUDITABLE}"
    program = place / "bin" / "cargo-auditable"
    if not program.exists():
        install = [
            "install",
            "--locked",
            "--quiet",
            "--version",
            AUDITABLE,
            "--root",
            place,
            "cargo-auditable",
        ]
        try:
            run([cargo(), *install], root)
        except CannotBuild as problem:
            raise CannotBuild(
                f"{problem}; --no-audit-data builds another binary, without cargo-auditable"
            ) from None
    return program
