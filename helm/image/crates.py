"""The crates in the binary: a CycloneDX document, and the licence texts that must accompany them.

Both come from cargo's list of locked dependencies for one target, without macros, build scripts and
tests, which are not in the binary. Other tools write such a document too. This one cannot differ
from the notices, is the same each time, and needs no installation.
"""

import hashlib
import json
import os
import re
import subprocess
import uuid
from pathlib import Path

LICENCE_FILE = re.compile(
    r"(licen[cs]e|copying|copyright|notice|unlicense)([-_.].*)?", re.IGNORECASE
)
RULE = "=" * 80


class Crate:
    def __init__(self, package, checksum):
        self.name, self.version = package["name"], package["version"]
        # Before SPDX expressions, Cargo accepted "MIT/Apache-2.0".
        self.licence = re.sub(r"\s*/\s*", " OR ", package["license"] or "") or None
        self.repository = package["repository"]
        self.folder = Path(package["manifest_path"]).parent
        self.id, self.checksum = package["id"], checksum
        self.depends_on = []

    @property
    def url(self):
        return f"pkg:cargo/{self.name}@{self.version}"


def in_binary(root, target, cargo):
    """The crates of the binary that cargo builds in `root` for this target.

    Our own crate comes first, the others follow by name and version.
    """

    def ask(*arguments):
        command = [cargo, *arguments, "--locked"]
        answer = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True)
        return answer.stdout.decode()

    # The tree is exact. The metadata also has crates for features that only tests use.
    tree = ask(
        "tree",
        "--edges=normal,no-proc-macro",
        f"--target={target}",
        "--prefix=none",
        "--format={p}",
    )
    wanted = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    metadata = json.loads(ask("metadata", "--format-version=1", f"--filter-platform={target}"))
    checksums = _checksums(root)
    crates = {}
    for package in metadata["packages"]:
        key = package["name"], package["version"]
        if (key[0], f"v{key[1]}") in wanted:
            crates[package["id"]] = Crate(package, checksums.get(key))
    for node in metadata["resolve"]["nodes"]:
        if node["id"] in crates:
            linked = (
                edge["pkg"]
                for edge in node["deps"]
                if any(kind["kind"] is None for kind in edge["dep_kinds"])
            )
            urls = (crates[package].url for package in linked if package in crates)
            crates[node["id"]].depends_on = sorted(urls)
    own = metadata["resolve"]["root"]
    return sorted(crates.values(), key=lambda crate: (crate.id != own, crate.name, crate.version))


def _checksums(root):
    entries = (root / "Cargo.lock").read_text().split("[[package]]")
    fields = (dict(re.findall(r'^(\w+) = "(.*)"$', entry, re.MULTILINE)) for entry in entries)
    return {
        (entry["name"], entry["version"]): entry["checksum"]
        for entry in fields
        if "checksum" in entry
    }


def bill_of_materials(crates, created, others):
    """A CycloneDX 1.6 document. `others` are components that are not crates."""
    own, *used = crates
    main = {**_component(own), "type": "application"}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": created, "component": main},
        "components": [_component(crate) for crate in used] + others,
        "dependencies": [{"ref": crate.url, "dependsOn": crate.depends_on} for crate in crates],
    }
    content = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    document["serialNumber"] = uuid.UUID(bytes=content[:16], version=5).urn
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def _component(crate):
    component = {
        "type": "library",
        "bom-ref": crate.url,
        "name": crate.name,
        "version": crate.version,
        "purl": crate.url,
    }
    if crate.licence:
        component["licenses"] = [{"expression": crate.licence}]
    if crate.checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository:
        component["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return component


def notices(crates):
    """Every crate with its licence, and every licence text once, with the crates that have it."""
    used = crates[1:]
    texts, without = {}, []
    for crate in used:
        found = _licence_files(crate.folder)
        if not found:
            without.append(crate)
        for file in found:
            text = file.read_text(errors="replace").splitlines()
            text = "\n".join(line.rstrip() for line in text).strip("\n")
            texts.setdefault(text, []).append(
                f"{crate.name} {crate.version}: {file.relative_to(crate.folder)}"
            )
    lines = ["The binary was made from these crates, under the licences that they name:", ""]
    for crate in used:
        licence = crate.licence or "(none named)"
        lines.append(f"{crate.name} {crate.version}  {licence}  {crate.repository or ''}".rstrip())
    if without:
        names = ", ".join(f"{crate.name} {crate.version}" for crate in without)
        lines += ["", f"Without a licence text of their own: {names}."]
    for text, places in sorted(texts.items(), key=lambda item: item[1]):
        lines += ["", RULE, *places, RULE, "", text]
    return ("\n".join(lines) + "\n").encode()


def _licence_files(folder):
    """The licence files of a crate. Crates with C code have some in subdirectories."""
    found = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        found += [Path(place, file) for file in sorted(files) if LICENCE_FILE.fullmatch(file)]
    return found
