# Learning-rate schedules of PyTorch, in Python floats: what a rate is at each step. Run: python
# tests/vectors/schedules.py → schedules.json here.
import json
import math
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler as s

warnings.filterwarnings("ignore")  # the optimizer takes no steps


def optimizer(rate):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], rate)


def rates(o, scheduler, steps):
    found = []
    for _ in range(steps):
        found.append(o.param_groups[0]["lr"])
        o.step()
        scheduler.step()
    return found


def curve(kind, o, steps=8, start=0.5, end=0.05):
    if kind == "linear":
        return s.LinearLR(o, 1, end / start, steps)
    if kind == "cosine":
        return s.CosineAnnealingLR(o, steps, end)
    if kind == "exponential":
        return s.ExponentialLR(o, (end / start) ** (1 / steps))
    if kind == "step":
        return s.StepLR(o, 3, 0.25)
    return s.ConstantLR(o, 1, 1)


curves = []
for kind in ("constant", "linear", "cosine", "exponential", "step"):
    config = {"kind": kind, "from": 0.5}
    if kind in ("linear", "cosine", "exponential"):
        config |= {"to": 0.05, "steps": 8}
    if kind == "step":
        config |= {"factor": 0.25, "every": 3}
    o = optimizer(0.5)
    curves.append({"config": config, "rates": rates(o, curve(kind, o), 9)})
    o = optimizer(0.5)
    warm = s.LinearLR(o, 1 / 5, 1, 4)
    # what follows begins at the optimizer's own rate
    curves.append(
        {"config": config | {"warmup": 4}, "rates": rates(o, s.SequentialLR(o, [warm, curve(kind, o)], [4]), 12)}
    )

plateaus = []
for options in (
    {"patience": 2},
    {"factor": 0.5, "patience": 0, "mode": "max", "threshold": 0.05},
    {"factor": 0.3, "patience": 1, "to": 0.01},
):
    o = optimizer(0.2)
    scheduler = s.ReduceLROnPlateau(
        o,
        options.get("mode", "min"),
        options.get("factor", 0.1),
        options["patience"],
        options.get("threshold", 1e-4),
        "rel",
        0,
        options.get("to", 0),
        0,
    )
    seen, found = [], []
    for i in range(24):
        seen.append(2 + math.sin(i * 1.7) + 1 / (1 + i))
        scheduler.step(seen[-1])
        found.append(o.param_groups[0]["lr"])
    plateaus.append({"options": {"from": 0.2, "watch": "loss", "every": 1} | options, "seen": seen, "rates": found})

path = pathlib.Path(__file__).resolve().parent / "schedules.json"
path.write_text(json.dumps({"curves": curves, "plateaus": plateaus}) + "\n")
