"""Checkpoints by the Python package safetensors: writes checkpoints.json. Needs numpy and safetensors (0.5 or later).

    python3 tests/vectors/checkpoints.py

`ours`: what the package reads in checkpoint-3.base64, which is the file that our encoder writes
(`npm run unit -- records/checkpoint -u` makes it). `theirs`: a checkpoint that the package wrote, with the digest of
docs/checkpoints.md. `version2`: one in the layout that came before. Of each, the tensors as the bytes of their numbers.
"""

import base64
import hashlib
import json
import struct
import tempfile
from pathlib import Path

import numpy as np
from safetensors import deserialize, safe_open
from safetensors.numpy import save

HERE = Path(__file__).parent
ABOUT = {"step": 7, "seed": 1, "batch": 4, "count": 10, "seconds": 0.5, "system": "mlp", "environment": {"cpu": "Élan"}}
TENSORS = {
    "g/kernel": np.array([[1, -0.0, 1e-45], [np.inf, 0.1, 3]], np.float32),
    "half": np.array([0.5, -2], np.float16),
    "count": np.array([1, -2, 3], np.int32),
    "large": np.array([2**53 + 1], np.int64),
    "bytes": np.array([0, 255, 7], np.uint8),
    "small": np.array([-128, 127], np.int8),
    "flags": np.array([True, False, True]),
    "scalar": np.array(9, np.float32),
    "none": np.zeros((0, 4), np.float32),
}


def raw(values):
    return {"dtype": str(values.dtype), "shape": list(values.shape), "hex": values.tobytes().hex()}


def ours():
    file = base64.b64decode((HERE / "checkpoint-3.base64").read_text())
    with tempfile.NamedTemporaryFile() as on_disk:
        on_disk.write(file)
        on_disk.flush()
        with safe_open(on_disk.name, framework="numpy") as opened:
            metadata = opened.metadata()
            loaded = {name: opened.get_tensor(name) for name in opened.keys()}
    tensors = {}
    for name, entry in deserialize(file):
        assert loaded[name].tobytes() == bytes(entry["data"]), name
        tensors[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "hex": bytes(entry["data"]).hex()}
    return {"metadata": metadata, "tensors": tensors}


def theirs():
    metadata = {"format": "forja.checkpoint", "version": "3", "sha256": "0" * 64, "checkpoint": json.dumps(ABOUT)}
    file = save(TENSORS, metadata)
    assert file.count(b"0" * 64) == 1
    file = file.replace(b"0" * 64, hashlib.sha256(file).hexdigest().encode())
    return written(file, TENSORS)


def version2():
    tensors, body = [], b""
    for name, values in TENSORS.items():
        body += bytes(-len(body) % 64)
        entry = {"name": name, "dtype": str(values.dtype), "shape": list(values.shape), "offset": len(body)}
        tensors.append(entry)
        body += values.tobytes()
    header = json.dumps({**ABOUT, "tensors": tensors}, ensure_ascii=False).encode()
    head = b"FORJACKP" + struct.pack("<II", 2, len(header)) + header
    file = head + bytes(-len(head) % 64) + body + bytes(-len(body) % 64)
    return written(file + hashlib.sha256(file).digest(), TENSORS)


def written(file, tensors):
    return {
        "file": base64.b64encode(file).decode(),
        "checkpoint": ABOUT,
        "tensors": {name: raw(values) for name, values in tensors.items()},
    }


if __name__ == "__main__":
    vectors = {"ours": ours(), "theirs": theirs(), "version2": version2()}
    (HERE / "checkpoints.json").write_text(json.dumps(vectors, indent=1, ensure_ascii=False) + "\n")
