# Path length regularisation (Karras et al. 2020): a mapping and a synthesis of dense layers against a dense D; the penalty is a phase of its own on G's moments,
# weight · every, with its running mean as state, as in the authors' code.
# Run: python tests/vectors/game_path_length.py   → game-path-length.json here.
import math

import torch
from game import bce, dense, write

BATCH, LATENT, STYLE, EDGE = 4, 5, 6, 4


def styles(g, z):
    return torch.tanh(dense(g, "g/mapping", z))


def synthesise(g, w):
    return torch.tanh(dense(g, "g/last", torch.tanh(dense(g, "g/hidden", w)))).reshape(len(w), EDGE, EDGE, 1)


def judge(g, x):
    return dense(g, "d/dense1", torch.tanh(dense(g, "d/dense0", x.reshape(len(x), -1))))


def path_length(g):
    weight, every, decay = 2.0, 4, 0.125
    for name, a, b in (("g/mapping", LATENT, STYLE), ("g/hidden", STYLE, 8), ("g/last", 8, EDGE * EDGE), ("d/dense0", EDGE * EDGE, 8), ("d/dense1", 8, 1)):
        g.add(f"{name}/kernel", a, b, scale=0.5), g.add(f"{name}/bias", b)
    g.adam("adam_g", ["g/"], 2e-3, part=every / (every + 1)), g.adam("adam_d", ["d/"], 1e-3)
    g.other["path_length/mean"] = torch.tensor(0.25)
    g.config = {"options": {"latent": LATENT, "style": STYLE, "hidden": 8, "edge": EDGE, "weight": weight, "every": every, "decay": decay,
                            "rates": {"g": 2e-3, "d": 1e-3}}, "batch": BATCH, "shape": [EDGE, EDGE, 1]}
    yield
    real, z = g.feed("game", real=g.picture(BATCH, EDGE, EDGE, 1), z=g.randn(BATCH, LATENT))
    fake = synthesise(g, styles(g, z))
    loss_d = g.descend("adam_d", bce(judge(g, real), 1) + bce(judge(g, fake.detach()), 0))
    loss_g = g.descend("adam_g", bce(judge(g, fake), 1))
    z, direction = g.feed("path", z=g.randn(BATCH, LATENT), direction=g.randn(BATCH, EDGE, EDGE, 1))
    w = styles(g, z)
    picture = synthesise(g, w)
    slope, = torch.autograd.grad((picture * direction / math.sqrt(EDGE * EDGE)).sum(), w, create_graph=True)
    lengths = slope.square().sum(1).sqrt()
    mean = g.other["path_length/mean"].lerp(lengths.mean(), decay)
    penalty = (lengths - mean).square().mean()
    g.descend("adam_g", weight * every * penalty)
    g.other["path_length/mean"] = mean.detach()
    g.scalars = {"loss_d": loss_d, "loss_g": loss_g, "path_length": penalty.item()}


if __name__ == "__main__":
    write("path-length", path_length)
