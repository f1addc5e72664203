"""An image in the format of the OCI image specification: layers, configuration, manifest, index.

The same input gives the same bytes. This module does not depend on Watchword.
"""

import hashlib
import io
import json
import tarfile
import zlib
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def canonical(value):
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layer:
    """Files as one compressed layer.

    `files` maps a path without a leading slash to (mode, bytes), or for a directory (mode, None).
    Parent directories are added. All entries belong to root, so the program cannot change them.
    """

    def __init__(self, files, mtime, comment):
        archive = _tar(_with_parents(files), mtime)
        self.comment = comment
        self.diff_id = digest(archive)
        self.blob = _gzip(archive)


def _with_parents(files):
    whole = dict(files)
    for path in files:
        for parent in Path(path).parents:
            if parent != Path("."):
                whole.setdefault(str(parent), (0o755, None))
    return whole


def _tar(files, mtime):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, (mode, content) in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.mode, entry.mtime = mode, mtime
            if content is None:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _gzip(data):
    # zlib's header has no time and no name. The gzip module's header differs between releases.
    compressor = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 9)
    return compressor.compress(data) + compressor.flush()


class Image:
    """The image of one platform. `settings` is the `config` of its configuration."""

    def __init__(self, architecture, created, settings, layers):
        self.layers = layers
        self.config = canonical(
            {
                "architecture": architecture,
                "config": settings,
                "created": created,
                "history": [{"created": created, "created_by": layer.comment} for layer in layers],
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            }
        )
        self.manifest = canonical(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _descriptor(CONFIG, self.config),
                "layers": [_descriptor(LAYER, layer.blob) for layer in layers],
            }
        )

    @property
    def digest(self):
        """The digest by which a registry names this image."""
        return digest(self.manifest)

    @property
    def compressed_size(self):
        """The size of a pull: manifest, configuration and layers."""
        return len(self.manifest) + len(self.config) + sum(len(layer.blob) for layer in self.layers)

    def layout(self, tag):
        """The files of an OCI layout with only this image, by path.

        `manifest.json` is not part of the layout. `docker load` reads it, unless Docker stores its
        images in containerd.
        """
        blobs = [self.manifest, self.config, *(layer.blob for layer in self.layers)]
        files = {_blob_path(blob): blob for blob in blobs}
        reference = {
            "io.containerd.image.name": _full_name(tag),
            "org.opencontainers.image.ref.name": tag.rpartition(":")[2],
        }
        index = {
            "schemaVersion": 2,
            "manifests": [{**_descriptor(MANIFEST, self.manifest), "annotations": reference}],
        }
        layers = [_blob_path(layer.blob) for layer in self.layers]
        files["index.json"] = canonical(index)
        files["manifest.json"] = canonical(
            [{"Config": _blob_path(self.config), "Layers": layers, "RepoTags": [tag]}]
        )
        files["oci-layout"] = canonical({"imageLayoutVersion": "1.0.0"})
        return files


def archive(files, mtime):
    """A layout as one tar file."""
    return _tar(_with_parents({path: (0o644, content) for path, content in files.items()}), mtime)


def _full_name(tag):
    """The name in containerd, which includes the registry. Docker omits its own."""
    first, slash, _ = tag.partition("/")
    if not slash:
        return f"docker.io/library/{tag}"
    if "." in first or ":" in first or first == "localhost":
        return tag
    return f"docker.io/{tag}"


def _descriptor(kind, data):
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


def _blob_path(data):
    return "blobs/" + digest(data).replace(":", "/")
