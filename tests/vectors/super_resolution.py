# What super-resolution is measured with and made of: PSNR and SSIM by scikit-image, bicubic enlargement (a = -1/2,
# border repeated) and pixel shuffle by PyTorch. Run: python tests/vectors/super_resolution.py   → super-resolution.json
# here. Needs torch, numpy, scikit-image.
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

torch.set_default_dtype(torch.float64)


def picture(h, w, c, seed):
    """Bytes that are neither flat nor noise."""
    rng = np.random.default_rng(seed)
    y, x, k = np.meshgrid(np.arange(h), np.arange(w), np.arange(c), indexing="ij")
    smooth = 120 + 80 * np.sin(x / 3 + k) * np.cos(y / 4 - k)
    return np.clip(smooth + rng.normal(0, 12, (h, w, c)), 0, 255).round()


def pair(h, w, c, noise):
    a = picture(h, w, c, 1)
    b = np.clip(a * 0.9 + 8 + np.random.default_rng(2).normal(0, noise, a.shape), 0, 255).round()
    similarity = structural_similarity(
        a, b, data_range=255, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return {
        "width": w,
        "height": h,
        "channels": c,
        "a": a.ravel().tolist(),
        "b": b.ravel().tolist(),
        "psnr": peak_signal_noise_ratio(a, b, data_range=255),
        "ssim": similarity,
    }


def enlarged(scale, h, w, c):
    x = torch.randn(1, c, h, w, generator=torch.Generator().manual_seed(scale))
    by = 4
    padded = F.pad(x, (by,) * 4, mode="replicate")
    y = F.interpolate(
        padded, scale_factor=scale, mode="bicubic", align_corners=False, antialias=True
    )  # antialias: a = -1/2
    y = y[:, :, by * scale : -by * scale, by * scale : -by * scale]
    return {"scale": scale, "shape": [1, h, w, c], "x": flat(x), "y": flat(y)}


def shuffled(scale, h, w, c):
    x = torch.arange(scale * scale * c * h * w, dtype=torch.float64).reshape(1, c, scale * scale, h, w)
    y = F.pixel_shuffle(x.reshape(1, -1, h, w), scale)
    # PyTorch's channels are (c, y, x), TensorFlow's (y, x, c)
    return {
        "scale": scale,
        "shape": [1, h, w, scale * scale * c],
        "x": flat(x.transpose(1, 2).reshape(1, -1, h, w)),
        "y": flat(y),
    }


def flat(t):
    return [round(v, 9) for v in t.permute(0, 2, 3, 1).reshape(-1).tolist()]


if __name__ == "__main__":
    made = {
        "pairs": [pair(14, 19, 3, 9), pair(23, 12, 1, 2)],
        "bicubic": [enlarged(2, 3, 5, 2), enlarged(3, 4, 3, 1), enlarged(4, 5, 1, 3)],
        "shuffle": [shuffled(2, 2, 3, 2), shuffled(3, 1, 2, 3)],
    }
    path = pathlib.Path(__file__).with_name("super-resolution.json")
    path.write_text(json.dumps(made, separators=(",", ":")) + "\n")
    print(path.name, path.stat().st_size // 1000, "kB")
