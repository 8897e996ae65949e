"""Writes metrics.json: measures of small sets of features in numpy and scipy, float64.

Everything given is exact in float32. The Fréchet distance goes by scipy's sqrtm of the product, precision, recall,
density and coverage by whole matrices of distances, all written from the papers' equations and not from our code.
Run: python tests/vectors/metrics.py"""

import json
import pathlib

import numpy as np
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.special import rel_entr, softmax

rng = np.random.default_rng(5)


def exact(x):
    return np.round(x * 1024) / 1024


def frechet(a, b):
    root = sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False))
    gap = a.mean(0) - b.mean(0)
    return float(gap @ gap + np.trace(np.cov(a, rowvar=False) + np.cov(b, rowvar=False) - 2 * np.real(root)))


def kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def kid(a, b):
    aa, bb, m, n = kernel(a, a), kernel(b, b), len(a), len(b)
    return float(
        (aa.sum() - np.trace(aa)) / (m * (m - 1)) + (bb.sum() - np.trace(bb)) / (n * (n - 1)) - 2 * kernel(a, b).mean()
    )


def radii(x, k):
    return np.sort(cdist(x, x), axis=1)[:, k]  # column 0 is the example itself


def precision_recall(real, made, k):
    between = cdist(made, real)
    return float((between <= radii(real, k)).any(1).mean()), float((between.T <= radii(made, k)).any(1).mean())


def density_coverage(real, made, k):
    inside = cdist(made, real) < radii(real, k)
    return float(inside.sum() / (k * len(made))), float(inside.any(0).mean())


def pair(n, m, d, shift, scale):
    real = exact(rng.normal(size=(n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d))))
    return real, exact(scale * rng.normal(size=(m, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d))) + shift)


cases = []
for n, m, d, shift, scale in [
    (40, 40, 4, 0.5, 1.0),
    (60, 50, 8, 0.0, 0.7),
    (12, 15, 16, 1.0, 1.5),
]:  # the last has singular covariances
    real, made = pair(n, m, d, shift, scale)
    train = exact(np.concatenate([real[: n // 2] + 0.01 * rng.normal(size=(n // 2, d)), rng.normal(size=(n, d))]))
    own, fresh = cdist(made, train).min(1), cdist(real, train).min(1)
    limit = np.sort(fresh)[int(0.01 * n)]
    cases.append(
        {
            "columns": d,
            "real": real.ravel().tolist(),
            "made": made.ravel().tolist(),
            "train": train.ravel().tolist(),
            "frechet": frechet(real, made),
            "kid": kid(real, made),
            "kid_blocks": float(np.mean([kid(real[:6], made[:6]), kid(real[6:12], made[6:12])])),
            "pr": precision_recall(real, made, 3),
            "dc": density_coverage(real, made, 5),
            "memorised": [float((own < limit).mean()), float(np.median(own) / np.median(fresh))],
        }
    )

p = np.float32(softmax(2 * rng.normal(size=(30, 5)), axis=1)).astype(np.float64)
score = float(np.exp(rel_entr(p, p.mean(0)).sum(1).mean()))
labels = rng.integers(0, 5, 30)
right = p.argmax(1) == labels
angles = 2 * np.pi * np.arange(8) / 8
centres = exact(0.8 * np.stack([np.cos(angles), np.sin(angles)], 1))
points = exact(
    np.concatenate([centres[rng.integers(0, 6, 50)] + 0.02 * rng.normal(size=(50, 2)), rng.normal(size=(10, 2))])
)
distance = cdist(points, centres)
good = distance.min(1) < 3 * 0.02
counts = np.bincount(distance.argmin(1)[good], minlength=8)
classes = np.bincount(p.argmax(1), minlength=5)
pathlib.Path(__file__).with_name("metrics.json").write_text(
    json.dumps(
        {
            "cases": cases,
            "classifier": {
                "columns": 5,
                "probabilities": p.ravel().tolist(),
                "score": score,
                "labels": labels.tolist(),
                "agreement": float(right.mean()),
                "agreement_worst": float(min(right[labels == c].mean() for c in set(labels.tolist()))),
                "counts": classes.tolist(),
            },
            "points": {
                "centres": centres.ravel().tolist(),
                "deviation": 0.02,
                "points": points.ravel().tolist(),
                "counts": counts.tolist(),
                "modes": int((counts > 0).sum()),
                "high_quality": float(good.mean()),
                "reverse_kl": float(rel_entr(counts / counts.sum(), np.full(8, 1 / 8)).sum()),
            },
        }
    )
)
