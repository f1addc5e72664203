"""The contents and settings of the image: two layers of files, and the command to run.

The Dockerfile repeats the settings; a test compares the two.
"""

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

USER = 65532
ENTRYPOINT = ["/watchword"]
COMMAND = ["serve", "-c", "/etc/watchword/config/watchword.yaml"]
PORTS = [9191, 9192, 9193]
TITLE = "Watchword"
DESCRIPTION = (
    "A gRPC token-validation sidecar for Envoy: may the bearer of this token pass, and who is it?"
)
LICENCES = "Apache-2.0"

BINARY = "watchword"
CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
DOCUMENTS = "usr/share/doc/watchword"
# Mount points for the configuration and for additional authorities.
MOUNTS = ["etc/watchword/config", "etc/watchword/ca"]


def base(ca_bundle, documents):
    """All files but the program. They change less often, so a new version is one new layer.

    `documents` maps names to bytes.
    """
    files = {
        "etc/group": (0o644, f"root:x:0:\nnonroot:x:{USER}:\n".encode()),
        "etc/passwd": (
            0o644,
            b"root:x:0:0:root:/:/none\n" + f"nonroot:x:{USER}:{USER}:nonroot:/:/none\n".encode(),
        ),
        CA_BUNDLE: (0o644, ca_bundle),
    }
    files.update({mount: (0o755, None) for mount in MOUNTS})
    files.update({f"{DOCUMENTS}/{name}": (0o644, content) for name, content in documents.items()})
    return files


def program(binary):
    return {BINARY: (0o755, binary)}


def settings(labels):
    """The `config` of the image's configuration."""
    return {
        "Cmd": COMMAND,
        "Entrypoint": ENTRYPOINT,
        "ExposedPorts": {f"{port}/tcp": {} for port in PORTS},
        "Labels": labels,
        "User": f"{USER}:{USER}",
        "WorkingDir": "/",
    }


def labels(version, created, revision, source):
    """The OCI annotations, without those that are unknown."""
    known = {
        "created": created,
        "description": DESCRIPTION,
        "licenses": LICENCES,
        "revision": revision,
        "source": source,
        "title": TITLE,
        "version": version,
    }
    return {f"org.opencontainers.image.{name}": value for name, value in known.items() if value}


def documents(notices, bill, glibc, standard_library, source):
    """The licences and the bill of materials.

    `glibc` is the version of the C library in the binary, `standard_library` the notices of Rust's
    standard library. Both may be None.
    """
    files = {
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        "THIRD-PARTY-NOTICES.txt": notices,
        "watchword.cdx.json": bill,
    }
    if standard_library:
        files["RUST-STANDARD-LIBRARY.html"] = standard_library
    if glibc:
        text = (HERE / "glibc-notice.txt").read_text()
        text = text.format(version=glibc, source=f", at {source}" if source else "")
        files["GLIBC-NOTICE.txt"] = text.encode()
        files["LGPL-2.1.txt"] = (HERE / "LGPL-2.1.txt").read_bytes()
    return files
