"""Writes losses.json: adversarial losses, label smoothing, feature matching, classification, penalties and path length in PyTorch float64.

Losses: values of D and of G at logits up to ±100, and their slopes by each logit. Penalties: the value for a small critic and its gradient by each weight.
Everything given is exact in float32. Pictures are NHWC and filters HWIO in the file, as in TensorFlow.js.
Run: python tests/vectors/losses.py
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
gen = torch.Generator().manual_seed(11)


def rand(*shape, low=-1.0, high=1.0):
    x = torch.rand(shape, generator=gen) * (high - low) + low
    return (x * 1024).round() / 1024  # short in the file, exact in float32


def packed(t):
    return {"shape": list(t.shape), "data": [float(f"{v:.9g}") for v in t.detach().reshape(-1).tolist()]}


# ---- losses: BCE through torch's own binary_cross_entropy_with_logits, the rest from their equations
bce = F.binary_cross_entropy_with_logits


def cross_entropy(real, fake, target_real=1.0, target_fake=0.0):
    return bce(real, torch.full_like(real, target_real)) + bce(fake, torch.full_like(fake, target_fake))


def average(real, fake):
    a, b = real - fake.mean(), fake - real.mean()
    return bce(a, torch.ones_like(a)) + bce(b, torch.zeros_like(b))


LOSSES = {
    "saturating": (cross_entropy, lambda f, r: -bce(f, torch.zeros_like(f))),
    "non-saturating": (cross_entropy, lambda f, r: bce(f, torch.ones_like(f))),
    "least-squares": (lambda r, f: 0.5 * F.mse_loss(r, torch.ones_like(r)) + 0.5 * F.mse_loss(f, torch.zeros_like(f)),
                      lambda f, r: 0.5 * F.mse_loss(f, torch.ones_like(f))),
    "hinge": (lambda r, f: torch.clamp(1 - r, min=0).mean() + torch.clamp(1 + f, min=0).mean(), lambda f, r: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f, r: -f.mean()),
    "relativistic-average": (average, lambda f, r: average(f, r)),
    "rpgan": (lambda r, f: bce(r - f, torch.ones_like(r)), lambda f, r: bce(f - r, torch.ones_like(f))),
}
REAL = torch.tensor([[-100.0], [-20], [-1.5], [0.25], [0.5], [4], [100]])
FAKE = torch.tensor([[100.0], [30], [2], [0.125], [-0.75], [-9], [-100]])


def with_slopes(f, *xs):
    xs = [x.clone().requires_grad_() for x in xs]
    value = f(*xs)
    slopes = torch.autograd.grad(value, xs, allow_unused=True)
    return {"value": value.item(), "slopes": [packed(torch.zeros_like(x) if g is None else g) for g, x in zip(slopes, xs)]}


losses = {name: {"discriminator": with_slopes(d, REAL, FAKE), "generator": with_slopes(g, FAKE, REAL)} for name, (d, g) in LOSSES.items()}
smoothing = [{"real": s, "fake": t, **with_slopes(lambda r, f: cross_entropy(r, f, 1 - s, t), REAL, FAKE)} for s, t in ((0.1, 0), (0.3, 0.1), (0, 0.25))]

# ---- what else D says
f_real, f_fake, g_real, g_fake = rand(4, 3, 3, 2), rand(4, 3, 3, 2), rand(4, 5), rand(4, 5)
matching = {"real": {"map": packed(f_real), "vector": packed(g_real)}, "fake": {"map": packed(f_fake), "vector": packed(g_fake)},
            **with_slopes(lambda a, b: (f_real.mean(0) - a.mean(0)).pow(2).sum() + (g_real.mean(0) - b.mean(0)).pow(2).sum(), f_fake, g_fake)}
class_logits = torch.tensor([[0.5, -1, 100], [-100, 3, 0.25], [2, 2, 2], [-30, 0, 30]])
labels = torch.tensor([2, 0, 1, 1])
classes = {"logits": packed(class_logits), "labels": labels.tolist(), **with_slopes(lambda x: F.cross_entropy(x, labels), class_logits)}
a, b = rand(2, 3, 3, 2), rand(2, 3, 3, 2)
reconstruction = {"got": packed(a), "wanted": packed(b), "l1": with_slopes(lambda x: F.l1_loss(x, b), a), "l2": with_slopes(lambda x: F.mse_loss(x, b), a),
                  "charbonnier": with_slopes(lambda x: torch.sqrt((x - b) ** 2 + 1e-6).mean(), a)}

# ---- penalties on a critic: convolution 3×3 stride 2 'same', LeakyReLU, dense, tanh, dense
n = 4
real, fake = rand(n, 6, 6, 2), rand(n, 6, 6, 2)
mix, noise = rand(n, 1, 1, 1, low=0), rand(n, 6, 6, 2, low=0)
weights = [rand(3, 3, 2, 4, low=-0.7, high=0.7), rand(4, low=-0.3, high=0.3), rand(36, 5, low=-0.6, high=0.6), rand(5, low=-0.3, high=0.3), rand(5, 1)]
for w in weights:
    w.requires_grad_()


def critic(x):
    f, b, d1, b1, d2 = weights
    x = F.pad(x.permute(0, 3, 1, 2), (0, 1, 0, 1))  # tfjs's 'same' at 6, kernel 3, stride 2: nothing before, one after
    h = F.leaky_relu(F.conv2d(x, f.permute(3, 2, 0, 1), b, stride=2), 0.2).permute(0, 2, 3, 1).reshape(n, -1)
    return torch.tanh(h @ d1 + b1) @ d2


def slopes(x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0].reshape(n, -1)


def off(x, k, one=False):
    over = slopes(x).norm(dim=1) - k
    return ((over.clamp(min=0) if one else over) ** 2).mean()


between = mix * real + (1 - mix) * fake
flipped = torch.where(mix > 0.5, real.flip(2), real)
near = real + mix * (0.5 * real.std(unbiased=False) * noise)
k = slopes(between).norm(dim=1).median().item()  # some slopes on each side
k = math.floor(k * 64) / 64
PENALTIES = {
    "gradient-penalty": ({}, lambda: off(between, 1)),
    "gradient-penalty, k": ({"k": k}, lambda: off(between, k)),
    "gradient-penalty, one-sided": ({"k": k, "sided": "one"}, lambda: off(between, k, True)),
    "dragan": ({}, lambda: off(near, 1)),
    "r1": ({}, lambda: 0.5 * slopes(real).pow(2).sum(1).mean()),
    "r2": ({}, lambda: 0.5 * slopes(fake).pow(2).sum(1).mean()),
    "zero-centred": ({}, lambda: slopes(between).pow(2).sum(1).mean()),
    "consistency": ({}, lambda: (critic(real) - critic(flipped)).pow(2).mean()),
}
penalties = {}
for name, (options, f) in PENALTIES.items():
    value = f()
    grads = torch.autograd.grad(value, weights, allow_unused=True)
    penalties[name] = {"name": name.split(",")[0], "options": options, "value": value.item(),
                       "gradients": [packed(torch.zeros_like(w) if g is None else g) for g, w in zip(grads, weights)]}

# ---- path length, StyleGAN2's authors' PyTorch code (training/loss.py), with given directions: styles a layer, and one for all
def path_length(w, direction, synthesise, params, mean, decay):
    w = w.clone().requires_grad_()
    picture = synthesise(w)
    y = direction / math.sqrt(picture.shape[1] * picture.shape[2])
    slope, = torch.autograd.grad((picture * y).sum(), w, create_graph=True)
    lengths = slope.square().sum(2).mean(1).sqrt() if w.dim() == 3 else slope.square().sum(1).sqrt()
    moved = mean.lerp(lengths.mean(), decay)
    penalty = (lengths - moved).square().mean()
    grads = torch.autograd.grad(penalty, params)
    return {"w": packed(w), "direction": packed(direction), "before": mean.item(), "decay": decay, "penalty": penalty.item(), "mean": moved.item(),
            "gradients": [packed(g) for g in grads]}


k1, k2 = rand(6, 32).requires_grad_(), rand(32, 32, low=-0.5, high=0.5).requires_grad_()
direction = rand(3, 4, 4, 2, low=-2, high=2)


def synthesise(w):
    h = torch.tanh((w.mean(1) if w.dim() == 3 else w) @ k1)
    return torch.tanh(h @ k2).reshape(3, 4, 4, 2)


def by_layer(w):
    h = torch.tanh(w[:, 0] @ k1) * (1 + w[:, 1] @ k1)
    return torch.tanh(h @ k2).reshape(3, 4, 4, 2)


paths = {"k1": packed(k1), "k2": packed(k2),
         "one": path_length(rand(3, 6), direction, synthesise, [k1, k2], torch.tensor(0.25), 0.125),
         "layers": path_length(rand(3, 2, 6), direction, by_layer, [k1, k2], torch.tensor(0.25), 0.125)}

out = pathlib.Path(__file__).with_name("losses.json")
made = {"torch": torch.__version__.split("+")[0], "real": packed(REAL), "fake": packed(FAKE), "losses": losses, "smoothing": smoothing, "matching": matching,
        "classification": classes, "reconstruction": reconstruction,
        "critic": {"real": packed(real), "fake": packed(fake), "mix": packed(mix), "noise": packed(noise), "weights": [packed(w) for w in weights], "penalties": penalties},
        "paths": paths}
out.write_text(json.dumps(made, separators=(",", ":")) + "\n")
print(out.name, out.stat().st_size, "bytes;", {n: p["value"] for n, p in penalties.items()})
