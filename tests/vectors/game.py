"""Whole GAN games in PyTorch float64, from given weights, moments, data and random numbers: what the game_*.py files share.

Networks are functions of weights by name, in TensorFlow.js's layouts (NHWC, HWIO, HWOI, dense [in, out]), so the names and shapes in the files are those of
packages/trainer/src/models. Adam starts warm. A case is tried with one seed after another until no (Leaky)ReLU, absolute value or clamp has an input within
1e-5 of its kink. `write` makes game-<name>.json; README.md has the format.
"""
import base64
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
HERE = pathlib.Path(__file__).resolve().parent
STEPS_DONE = 10
SEED = 5  # of the random numbers that a step draws itself


# ---- random numbers that a step draws by name: Philox4x32-10, as latents.py has it
def stream_of(name):
    h = 0x811C9DC5
    for c in name:
        h = ((h ^ ord(c)) * 0x01000193) & 0xFFFFFFFF
    return ((h >> 24) ^ h) & 0xFFFFFF


def philox(c, k):
    m, c, k = 0xFFFFFFFF, list(c), list(k)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & m, (a >> 32) ^ c[3] ^ k[1], a & m]
        k = [(k[0] + 0x9E3779B9) & m, (k[1] + 0xBB67AE85) & m]
    return c


def uniform(name, run, *shape):
    """What random.uniform(shape, draw) gives in run `run` of a phase, name being phase/draw."""
    count = math.prod(shape)
    words = [w for b in range((count + 3) // 4) for w in philox((b, run, 0, 3 << 24 | stream_of(name)), (SEED, 0))]
    return torch.tensor([(w >> 8) / 2**24 for w in words[:count]]).reshape(shape)


# ---- state
class Near(Exception):
    """Something lies too near a kink."""


def away(x):
    if float(x.detach().abs().min()) < 1e-5:
        raise Near
    return x


class Game:
    def __init__(self, seed):
        self.gen = torch.Generator().manual_seed(seed)
        self.weights, self.other, self.groups, self.feeds, self.scalars = {}, {}, {}, [], {}

    def exact(self, t):
        return t.float().double()

    def randn(self, *shape):
        return self.exact(torch.randn(shape, generator=self.gen))

    def rand(self, *shape):
        return self.exact(torch.rand(shape, generator=self.gen))

    def picture(self, *shape):
        return self.exact(torch.rand(shape, generator=self.gen) * 2 - 1)

    def __getitem__(self, name):
        return self.weights[name]

    def add(self, name, *shape, scale=None):
        kind = name.rsplit("/", 1)[1]
        std, offset = {"kernel": (0.15, 0), "embeddings": (0.3, 0), "bias": (0.1, 0), "gamma": (0.1, 1), "beta": (0.1, 0),
                       "constant": (1, 0), "strength": (0.5, 0)}[kind]
        self.weights[name] = self.exact(torch.randn(shape, generator=self.gen) * (scale or std) + offset).requires_grad_()

    def statistics(self, name, size):
        self.other[f"{name}/moving_mean"] = self.randn(size) * 0.125
        self.other[f"{name}/moving_variance"] = self.rand(size) + 0.5

    def adam(self, group, prefixes, rate, betas=(0.5, 0.999), part=1.0):
        names = [n for n in self.weights if n.startswith(tuple(prefixes))]
        params = [self.weights[n] for n in names]
        optimizer = torch.optim.Adam(params, rate * part, (betas[0] ** part, betas[1] ** part), 1e-8)
        for p in params:
            optimizer.state[p] = {"step": torch.tensor(float(STEPS_DONE)), "exp_avg": self.exact(torch.randn(p.shape, generator=self.gen) * 0.01),
                                  "exp_avg_sq": self.exact((torch.rand(p.shape, generator=self.gen) + 0.5) * 1e-3)}
        self.groups[group] = (optimizer, names)
        return optimizer

    def descend(self, group, loss, clip=None, pace=1.0):
        """`clip`: largest norm of the gradients together; `pace`: what the rate is multiplied by."""
        optimizer, names = self.groups[group]
        grads = torch.autograd.grad(loss, [self.weights[n] for n in names], allow_unused=True)
        for n, g in zip(names, grads):
            self.weights[n].grad = torch.zeros_like(self.weights[n]) if g is None else g
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([self.weights[n] for n in names], clip, error_if_nonfinite=True)
        rates = [part["lr"] for part in optimizer.param_groups]
        for part in optimizer.param_groups:
            part["lr"] *= pace
        optimizer.step()
        for part, rate in zip(optimizer.param_groups, rates):
            part["lr"] = rate
        return loss.item()

    def snapshot(self):
        state = {n: w.detach().clone() for n, w in self.weights.items()} | {n: t.detach().clone() for n, t in self.other.items()}
        for group, (optimizer, names) in self.groups.items():
            moments = [optimizer.state[self.weights[n]] for n in names]
            state[f"{group}/step"] = moments[0]["step"].clone()
            for n, m in zip(names, moments):
                state[f"{n}/m"], state[f"{n}/v"] = m["exp_avg"].clone(), m["exp_avg_sq"].clone()
        return state

    def feed(self, phase, **inputs):
        """Remembers what a run of a phase is fed, in order."""
        self.feeds.append({"phase": phase, "inputs": {n: packed(t) for n, t in inputs.items()}})
        return inputs.values()


def packed(t):
    t = t.detach().contiguous()
    whole = t.dtype in (torch.int64, torch.int32)
    data = base64.b64encode(np.ascontiguousarray(t.numpy(), "<i4" if whole else "<f4").tobytes()).decode()
    return {"shape": list(t.shape), "data": data, **({"dtype": "int32"} if whole else {})}


# ---- layers
def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def same(x, k, s):
    def pads(n):
        total = max(0, (math.ceil(n / s) - 1) * s + k - n)
        return total // 2, total - total // 2
    return F.pad(x, (*pads(x.shape[3]), *pads(x.shape[2])))


def bias(g, name):
    return g.weights.get(f"{name}/bias")


def conv(g, name, x, s=1, padding="same", kernel=None):
    kernel = g[f"{name}/kernel"] if kernel is None else kernel
    x = nchw(x)
    x = same(x, kernel.shape[0], s) if padding == "same" else x
    return nhwc(F.conv2d(x, kernel.permute(3, 2, 0, 1).contiguous(), bias(g, name), s))


def conv_transpose(g, name, x):
    """Stride 2, 'same': the adjoint of such a convolution."""
    kernel = g[f"{name}/kernel"]
    k, before = kernel.shape[0], (kernel.shape[0] - 2) // 2
    full = F.conv_transpose2d(nchw(x), kernel.permute(3, 2, 0, 1).contiguous(), None, 2)
    h, w = 2 * x.shape[1], 2 * x.shape[2]
    y = nhwc(full[:, :, before:before + h, before:before + w])
    return y if bias(g, name) is None else y + bias(g, name)


def dense(g, name, x):
    y = x @ g[f"{name}/kernel"]
    return y if bias(g, name) is None else y + bias(g, name)


def batch_norm(g, name, x, rows=None):
    """Training mode. Keras's moving variance averages the biased variance."""
    axes = tuple(range(x.dim() - 1))
    mean, variance = x.mean(axes), x.var(axes, unbiased=False)
    for part, now in (("moving_mean", mean), ("moving_variance", variance)):
        g.other[f"{name}/{part}"] = 0.9 * g.other[f"{name}/{part}"] + 0.1 * now.detach()
    gamma, beta = g[f"{name}/gamma"], g[f"{name}/beta"]
    if rows is not None:
        gamma, beta = (t[rows].reshape(len(rows), *[1] * (x.dim() - 2), -1) for t in (gamma, beta))
    return (x - mean) / torch.sqrt(variance + 1e-5) * gamma + beta


def instance_norm(x):
    return nhwc(F.instance_norm(nchw(x), eps=1e-5))


def relu(x):
    return F.relu(away(x))


def leaky(x):
    return F.leaky_relu(away(x), 0.2)


def l1(a, b):
    return away(a - b).abs().mean()


def double(x):
    return x.repeat_interleave(2, 1).repeat_interleave(2, 2)


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(target)))


def mse(logits, target):
    return F.mse_loss(logits, torch.full_like(logits, float(target)))


# ---- DCGAN for 16 × 16, base 4; the discriminator without norms
def dcgan_weights(g, latent, base, channels):
    g.add("g/dense/kernel", latent, 16 * 2 * base)
    g.add("g/dense_norm/gamma", 2 * base), g.add("g/dense_norm/beta", 2 * base), g.statistics("g/dense_norm", 2 * base)
    g.add("g/up0/kernel", 4, 4, base, 2 * base)
    g.add("g/up0_norm/gamma", base), g.add("g/up0_norm/beta", base), g.statistics("g/up0_norm", base)
    g.add("g/last/kernel", 4, 4, channels, base), g.add("g/last/bias", channels)
    g.add("d/conv0/kernel", 4, 4, channels, base), g.add("d/conv0/bias", base)
    g.add("d/conv1/kernel", 4, 4, base, 2 * base), g.add("d/conv1/bias", 2 * base)
    g.add("d/dense/kernel", 16 * 2 * base, 1), g.add("d/dense/bias", 1)


def dcgan_g(g, z):
    x = dense(g, "g/dense", z).reshape(len(z), 4, 4, -1)
    x = relu(batch_norm(g, "g/dense_norm", x))
    x = relu(batch_norm(g, "g/up0_norm", conv_transpose(g, "g/up0", x)))
    return torch.tanh(conv_transpose(g, "g/last", x))


def dcgan_d(g, x, features=False):
    a = leaky(conv(g, "d/conv0", x, 2))
    b = leaky(conv(g, "d/conv1", a, 2))
    logits = dense(g, "d/dense", b.reshape(len(x), -1))
    return (logits, [a, b]) if features else logits


def slopes(judge, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(judge(x).sum(), x, create_graph=True)[0].reshape(len(x), -1)


def share(logits):
    return (logits > 0).double().mean().item()


# ---- the patch discriminator
def patch_weights(g, name, channels, base, depth, norm):
    widths = [base * 2 ** i for i in range(depth + 1)]
    for i, width in enumerate(widths):
        g.add(f"{name}/conv{i}/kernel", 4, 4, [channels, *widths][i], width)
        if i == 0 or norm == "none":
            g.add(f"{name}/conv{i}/bias", width)
        elif norm == "batch":
            g.add(f"{name}/conv{i}_norm/gamma", width), g.add(f"{name}/conv{i}_norm/beta", width), g.statistics(f"{name}/conv{i}_norm", width)
    g.add(f"{name}/last/kernel", 4, 4, widths[-1], 1), g.add(f"{name}/last/bias", 1)


def patch(g, name, x, depth, norm):
    for i in range(depth + 1):
        x = conv(g, f"{name}/conv{i}", x, 2 if i < depth else 1)
        if i > 0 and norm != "none":
            x = batch_norm(g, f"{name}/conv{i}_norm", x) if norm == "batch" else instance_norm(x)
        x = leaky(x)
    return conv(g, f"{name}/last", x)


def write(name, case):
    """Runs `case`, a generator that yields once its state is set up."""
    for seed in range(1, 400):
        g = Game(seed)
        steps = case(g)
        next(steps)
        before = g.snapshot()
        try:
            for _ in steps:
                pass
        except Near:
            continue
        after = g.snapshot()
        made = {"case": name, "seed": SEED, **g.config, "feeds": g.feeds, "scalars": g.scalars,
                "state": {n: {"initial": packed(before[n]), "updated": packed(after[n])} for n in before}}
        text = json.dumps(made, separators=(",", ":")) + "\n"
        (HERE / f"game-{name}.json").write_text(text)
        print(f"game-{name}.json {len(text) // 1000} kB, seed {seed}, {g.scalars}")
        return
    raise SystemExit(f"{name}: no seed keeps away from all kinks; make the case smaller")

