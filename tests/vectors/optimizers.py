# Optimizers and clipping of PyTorch in float64: ten steps of two weights, gradients as given. Run: python
# tests/vectors/optimizers.py → optimizers.json here.
import json
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)
START = [[0.5, -1.25, 3.0, 0.01], [[2.0, -0.5]]]
RATE = 0.05


def slope(start, i):
    return torch.tensor([s * math.cos(i + s) for s in torch.tensor(start).flatten().tolist()]).reshape(
        torch.tensor(start).shape
    )


cases = []
for name, options, make, clip in (
    ("adamw", {"beta1": 0.5, "weightDecay": 0.1}, lambda p: torch.optim.AdamW(p, RATE, (0.5, 0.999), 1e-8, 0.1), {}),
    ("adamw", {}, lambda p: torch.optim.AdamW(p, RATE), {"norm": 0.7}),
    ("rmsprop", {"decay": 0.9}, lambda p: torch.optim.RMSprop(p, RATE, 0.9), {"value": 0.4}),
    (
        "sgd",
        {"momentum": 0.8, "nesterov": True},
        lambda p: torch.optim.SGD(p, RATE, 0.8, nesterov=True),
        {"norm": 100.0},
    ),
    ("adam", {}, lambda p: torch.optim.Adam(p, RATE), {"value": 0.4, "norm": 0.5}),
):
    parameters = [torch.tensor(s, requires_grad=True) for s in START]
    optimizer = make(parameters)
    for i in range(10):
        for p, start in zip(parameters, START):
            p.grad = slope(start, i)
        if "value" in clip:
            torch.nn.utils.clip_grad_value_(parameters, clip["value"])
        if "norm" in clip:
            torch.nn.utils.clip_grad_norm_(parameters, clip["norm"])
        optimizer.step()
    cases.append(
        {"name": name, "options": options, "clip": clip, "after": [p.detach().flatten().tolist() for p in parameters]}
    )
path = pathlib.Path(__file__).resolve().parent / "optimizers.json"
path.write_text(json.dumps({"start": START, "rate": RATE, "cases": cases}) + "\n")
