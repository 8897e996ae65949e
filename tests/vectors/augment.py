"""Writes augment.json: each augmentation in PyTorch float64, by gathers, grid_sample and rot90 where ours are
products of matrices, from uniform and normal numbers that are in the file; and the gradient of a weighted sum of its
result by the pictures.

Pictures are NHWC in the file. Sources: DiffAugment (Zhao et al. 2020) and the authors' code; ADA (Karras et al.
2020), appendix B. Run: python tests/vectors/augment.py"""

import base64
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
gen = torch.Generator().manual_seed(3)
N, EDGE = 6, 8


def short(t):
    return (t * 256).round() / 256  # exact in float32


def packed(t):
    data = base64.b64encode(np.ascontiguousarray(t.detach().numpy(), "<f4").tobytes()).decode()
    return {"shape": list(t.shape), "data": data}


class Draw:
    """Numbers by name, one an example; those given are set by hand."""

    def __init__(self, given):
        self.numbers = {k: torch.tensor(v) for k, v in given.items()}

    def uniform(self, name):
        return self.numbers.setdefault(name, short(torch.rand(N, generator=gen)) * (1 - 2**-8))

    def normal(self, name):
        return self.numbers.setdefault(name, short(torch.randn(N, generator=gen)))


def cell(t):
    return t.reshape(-1, 1, 1, 1)


def whole(u, low, count):
    return torch.floor(u * count).long() + low


def color(x, d):  # NCHW
    x = x + cell(d.uniform("brightness") - 0.5)
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * cell(d.uniform("saturation") * 2) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * cell(d.uniform("contrast") + 0.5) + mean


def shifted(x, rows, columns):
    """Picture i is x[i] read at (r + rows[i], c + columns[i]), zeros outside."""
    pad = EDGE
    big = F.pad(x, (pad, pad, pad, pad))
    return torch.stack(
        [
            big[i, :, pad + r : pad + r + EDGE, pad + c : pad + c + EDGE]
            for i, (r, c) in enumerate(zip(rows.tolist(), columns.tolist()))
        ]
    )


def translation(x, d):
    most = int(EDGE * 0.125 + 0.5)
    return shifted(x, whole(d.uniform("rows"), -most, 2 * most + 1), whole(d.uniform("columns"), -most, 2 * most + 1))


def cutout(x, d):
    edge = int(EDGE * 0.5 + 0.5)
    mask = torch.ones(N, 1, EDGE, EDGE)
    rows, columns = (whole(d.uniform(k), 0, EDGE + 1 - edge % 2) for k in ("rows", "columns"))
    for i in range(N):
        at = [torch.clamp(torch.arange(edge) + int(o[i]) - edge // 2, 0, EDGE - 1) for o in (rows, columns)]
        mask[i, 0, at[0][:, None], at[1][None, :]] = 0
    return x * mask


def flip(x, d):
    return torch.stack([one.flip(2) if u < 0.5 else one for one, u in zip(x, d.uniform("mirrored"))])


def crop(x, d):
    edge = 1 - d.uniform("edge") * 0.25
    top, left = (d.uniform(k) * (1 - edge) for k in ("rows", "columns"))
    centre = lambda start: 2 * (start + edge / 2) - 1
    zero = torch.zeros(N)
    theta = torch.stack([torch.stack([edge, zero, centre(left)], 1), torch.stack([zero, edge, centre(top)], 1)], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def rotation(x, d):
    angle = (d.uniform("angle") * 2 - 1) * math.pi / 12
    middle = (EDGE - 1) / 2
    line = torch.arange(EDGE).double()
    rows, columns = torch.meshgrid(line, line, indexing="ij")

    def shear(x, across, down):
        """Picture i is x[i] read at (r + down[i]·(c − middle), c + across[i]·(r − middle)), zeros outside."""
        c = columns + across.reshape(-1, 1, 1) * (rows - middle)
        r = rows + down.reshape(-1, 1, 1) * (columns - middle)
        grid = torch.stack([c / middle - 1, r / middle - 1], 3)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)

    none = torch.zeros(N)
    x = shear(x, -torch.tan(angle / 2), none)
    x = shear(x, none, torch.sin(angle))
    return shear(x, -torch.tan(angle / 2), none)


def ada(p):
    def of(x, d):
        def gate(name, value, neutral):
            return torch.where(d.uniform(f"{name}/applies") < p, value, torch.full_like(value, neutral))

        mirror = gate("mirror", whole(d.uniform("mirror"), 0, 2), 0)
        x = torch.stack([one.flip(2) if m else one for one, m in zip(x, mirror)])
        turns = gate("turns", whole(d.uniform("turns"), 0, 4), 0)
        x = torch.stack([torch.rot90(one, int(k), (1, 2)) for one, k in zip(x, turns)])
        r, c = (gate(k, torch.round((d.uniform(k) * 2 - 1) * 0.125 * EDGE).long(), 0) for k in ("rows", "columns"))
        pad = EDGE // 2
        big = F.pad(x, (pad, pad, pad, pad), mode="reflect")
        x = torch.stack(
            [
                big[i, :, pad + int(r[i]) : pad + int(r[i]) + EDGE, pad + int(c[i]) : pad + int(c[i]) + EDGE]
                for i in range(N)
            ]
        )
        x = x + cell(gate("brightness", d.normal("brightness") * 0.2, 0.0))
        x = x * cell(gate("contrast", torch.exp2(d.normal("contrast") * 0.5), 1.0))
        v = torch.ones(3) / math.sqrt(3)  # the luma axis
        s = cell(gate("saturation", torch.exp2(d.normal("saturation")), 1.0)).reshape(N, 1, 1)
        matrix = torch.outer(v, v) + (torch.eye(3) - torch.outer(v, v)) * s
        return torch.einsum("nij,njhw->nihw", matrix, x)

    return of


CASES = {
    "color": (color, {}),
    "translation": (translation, {"rows": [0.0, 0.99, 0.5, 0.3, 0.7, 0.2]}),
    "cutout": (cutout, {"rows": [0.0, 0.99609375, 0.5, 0.25, 0.75, 0.125]}),
    "flip": (flip, {"mirrored": [0.0, 0.25, 0.75, 0.5, 0.9375, 0.375]}),
    "crop": (crop, {"edge": [0.0, 0.99609375, 0.5, 0.25, 0.75, 0.125]}),
    "ada": (
        ada(0.75),
        {"turns": [0.0, 0.25, 0.5, 0.75, 0.875, 0.375], "turns/applies": [0.0, 0.25, 0.5, 0.7421875, 0.75, 0.0]},
    ),
    "ada off": (ada(0.0), {}),
    "rotation": (rotation, {"angle": [0.0, 0.99609375, 0.5, 0.25, 0.75, 0.125]}),
}


def main():
    pictures = short(torch.rand(N, EDGE, EDGE, 3, generator=gen) * 2 - 1)
    weights = short(torch.rand(N, EDGE, EDGE, 3, generator=gen) * 2 - 1)
    made = {"pictures": packed(pictures), "weights": packed(weights), "cases": {}}
    for name, (of, given) in CASES.items():
        draw = Draw({k: [round(v * 256) / 256 for v in vs] for k, vs in given.items()})
        x = pictures.clone().requires_grad_()
        y = of(x.permute(0, 3, 1, 2), draw).permute(0, 2, 3, 1)
        # squared, so that the gradient depends on the result
        (slope,) = torch.autograd.grad((y.square() * weights).sum(), x)
        numbers = {k: [float(v) for v in t] for k, t in draw.numbers.items()}
        made["cases"][name] = {"draws": numbers, "result": packed(y), "slope": packed(slope)}
    text = json.dumps(made, separators=(",", ":")) + "\n"
    (pathlib.Path(__file__).resolve().parent / "augment.json").write_text(text)
    print(f"augment.json {len(text) // 1000} kB")


if __name__ == "__main__":
    main()
