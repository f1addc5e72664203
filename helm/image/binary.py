"""The static binary: how cargo is called, so that no path of this machine is in it.

The same bytes need the same Rust, C compiler and C library, and the same folders: cargo makes the name of `OUT_DIR` and of symbols from these flags, too.
"""

import os
import platform
import subprocess
from pathlib import Path

PROFILE = "image"
AUDITABLE = "0.7.7"


class CannotBuild(Exception):
    """In words for whoever runs the script."""


def default_target():
    return f"{platform.machine().replace('arm64', 'aarch64')}-unknown-linux-gnu"


def cargo():
    """The cargo to call, which the environment may name, as cargo itself has it."""
    return os.environ.get("CARGO", "cargo")


def target_folder(root):
    return Path(os.environ.get("CARGO_TARGET_DIR", root / "target")).absolute()


def build(root, target, audit_data):
    """Builds the binary of the checkout `root`, with the list of its crates inside where `audit_data` says so; returns its path."""
    folder = target_folder(root)
    arguments = ["build", "--locked", "--profile", PROFILE, "--target", target, "--bin", "watchword"]
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
        raise CannotBuild(f"{program} was built, but does not start (exit code {status}); is the C library older than glibc 2.36?")


def run(command, root, environment=None):
    """Runs a command whose failure ends the script."""
    command = [str(word) for word in command]
    try:
        status = subprocess.run(command, cwd=root, env=environment).returncode
    except FileNotFoundError:
        raise CannotBuild(f"{command[0]} is not on the PATH") from None
    if status != 0:
        raise CannotBuild(f"this failed with exit code {status}: {' '.join(command)}")


def _environment(root, folder, target):
    """Static, and without a path of this machine in it. Flags of the caller's own are not used: they would make another binary."""
    # Relocations in the packed form (glibc 2.36 or newer) are a tenth of the usual one.
    flags = ["-Ctarget-feature=+crt-static", "-Clink-arg=-Wl,-z,pack-relative-relocs"]
    # Where several fit, rustc takes the last.
    flags += [f"--remap-path-prefix={here}={there}" for here, there in _places(root, folder)]
    environment = {**os.environ, "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags), "CARGO_INCREMENTAL": "0"}
    # Timestamps that a compiler may write (__DATE__).
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
    # The folder's name has the registry's address in it, which may be a mirror's.
    for registry in sorted((home / "registry" / "src").glob("*")):
        yield registry, "/crates"
    system = subprocess.run(["rustc", "--print", "sysroot"], cwd=root, stdout=subprocess.PIPE, check=True)
    yield Path(system.stdout.decode().strip(), "lib/rustlib/src/rust"), "/rust"


def _auditable(root, folder):
    """cargo-auditable of the version that we use, installed below the build folder if it is not there yet."""
    place = folder / "tools" / f"cargo-auditable-{AUDITABLE}"
    program = place / "bin" / "cargo-auditable"
    if not program.exists():
        install = ["install", "--locked", "--quiet", "--version", AUDITABLE, "--root", place, "cargo-auditable"]
        try:
            run([cargo(), *install], root)
        except CannotBuild as problem:
            raise CannotBuild(f"{problem}; --no-audit-data builds without cargo-auditable (another binary)") from None
    return program
