"""Reads the layers of an OCI layout, lowest first.

list LAYOUT: prints their entries, as JSON
show LAYOUT PATH: prints the content of a file
unpack LAYOUT DIRECTORY: writes all files, as a root file system
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

KINDS = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder"}


def layers(layout):
    def blob(descriptor):
        return layout.joinpath("blobs", *descriptor["digest"].split(":")).read_bytes()

    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]))
    return [gzip.decompress(blob(layer)) for layer in manifest["layers"]]


def entries(archive):
    def describe(entry):
        names = [entry.uid, entry.gid, entry.uname, entry.gname]
        kind = KINDS.get(entry.type, "other")
        return {
            "path": entry.name,
            "kind": kind,
            "mode": f"{entry.mode:o}",
            "mtime": entry.mtime,
            "owner": names,
            "size": entry.size,
        }

    return [describe(entry) for entry in archive]


def main():
    command, layout, *rest = sys.argv[1:]
    listed = []
    for tar in layers(Path(layout)):
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            if command == "list":
                listed.append(
                    {
                        "diff_id": "sha256:" + hashlib.sha256(tar).hexdigest(),
                        "entries": entries(archive),
                    }
                )
            elif command == "unpack":
                archive.extractall(rest[0])
            elif rest[0] in archive.getnames():
                sys.stdout.buffer.write(archive.extractfile(rest[0]).read())
    if command == "list":
        print(json.dumps(listed))


main()
