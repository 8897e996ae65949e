# One whole GAN training step (D, then G, Adam, batch norm statistics) in PyTorch float64, written as JSON vectors in TensorFlow.js's layouts.
# Run with any Python that has torch and numpy:  python tests/vectors/dcgan_step.py   → step-*.json here. README.md has the format.
import base64
import json
import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "bench" / "torch")]
import dcgan  # noqa: E402

STEPS_DONE = 10  # Adam starts warm: its very first step is sign(g), which float32 cannot reproduce where g is about 0
RATE_G, RATE_D, BETA1, BETA2, EPSILON = 2e-3, 1e-3, 0.5, 0.999, 1e-8


def dense(w):
    return w.t()


def conv(w):
    """OIHW → HWIO; for a transposed convolution IOHW → HWOI, which is what tfjs's Conv2DTranspose holds."""
    return w.permute(2, 3, 1, 0)


def same(w):
    return w


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def norm_entries(name, module):
    return [(f"{name}/gamma", module.weight, same), (f"{name}/beta", module.bias, same)]


def dcgan_entries(g, d):
    """(name, parameter, layout) of every trainable variable, and (name, module) of every batch norm."""
    v = [("g/dense/kernel", g.dense.weight, dense), *norm_entries("g/dense_norm", g.dense_norm)]
    norms = [("g/dense_norm", g.dense_norm)]
    for i, (up, up_norm) in enumerate(zip(g.ups, g.norms)):
        v += [(f"g/up{i}/kernel", up.weight, conv), *norm_entries(f"g/up{i}_norm", up_norm)]
        norms.append((f"g/up{i}_norm", up_norm))
    v += [("g/last/kernel", g.last.weight, conv), ("g/last/bias", g.last.bias, same)]
    for i, layer in enumerate(d.convs):
        v.append((f"d/conv{i}/kernel", layer.weight, conv))
        if i == 0:
            v.append(("d/conv0/bias", layer.bias, same))
        else:
            v += norm_entries(f"d/conv{i}_norm", d.norms[i - 1])
            norms.append((f"d/conv{i}_norm", d.norms[i - 1]))
    return v + [("d/dense/kernel", d.dense.weight, dense), ("d/dense/bias", d.dense.bias, same)], norms


def mlp_entries(g, d):
    v = []
    for side, model in (("g", g), ("d", d)):
        for i, layer in enumerate(model.layers):
            v += [(f"{side}/dense{i}/kernel", layer.weight, dense), (f"{side}/dense{i}/bias", layer.bias, same)]
    return v, []


def float32_exact(t):
    return t.float().double()


def packed(t):
    """Float32, little-endian, C order, base64."""
    t = t.detach().contiguous()
    return {"shape": list(t.shape), "data": base64.b64encode(np.ascontiguousarray(t.numpy(), "<f4").tobytes()).decode()}


class BiasedStatistics:
    """Keras's moving variance averages the biased variance; torch's the unbiased one. This keeps Keras's beside each module, by a hook."""

    def __init__(self, norms):
        self.values = {}
        for name, module in norms:
            self.values[name] = [module.running_mean.clone(), module.running_var.clone()]
            module.register_forward_pre_hook(lambda m, args, name=name: self.update(name, args[0].detach()))

    def update(self, name, x):
        mean, var = self.values[name]
        axes = (0, 2, 3)
        self.values[name] = [0.9 * mean + 0.1 * x.mean(axes), 0.9 * var + 0.1 * x.var(axes, unbiased=False)]

    def snapshot(self):
        return {f"{n}/{part}": t.clone() for n, pair in self.values.items() for part, t in zip(("moving_mean", "moving_variance"), pair)}


def watch_kinks(models):
    """Smallest |input| of any (Leaky)ReLU and smallest gap inside a max-pool window: float32 must fall on the same side."""
    seen = []
    relu, leaky, pool = dcgan.F.relu, dcgan.F.leaky_relu, dcgan.F.max_pool2d

    def near(x):
        seen.append(float(x.detach().abs().min()))
        return x

    def gap(x, size):
        n, c, h, w = x.shape
        top = x.detach().view(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 2, 4, 3, 5).reshape(-1, 4).topk(2).values
        seen.append(float((top[:, 0] - top[:, 1]).min()))
        return pool(x, size)

    dcgan.F.relu, dcgan.F.leaky_relu = (lambda x: relu(near(x))), (lambda x, a: leaky(near(x), a))
    for d in models:
        if getattr(d, "pool", None) is pool:
            d.pool = gap
    return seen, lambda: (setattr(dcgan.F, "relu", relu), setattr(dcgan.F, "leaky_relu", leaky))


def randomise(entries, norms, std):
    """Given weights: everything random and exact in float32, so that both sides start from the same numbers."""
    with torch.no_grad():
        for name, p, _ in entries:
            kind = name.rsplit("/", 1)[1]
            scale, offset = {"kernel": (std, 0), "bias": (0.1, 0), "gamma": (0.1, 1), "beta": (0.1, 0)}[kind]
            p.copy_(float32_exact(torch.randn_like(p) * scale + offset))
        for _, m in norms:
            m.running_mean.copy_(float32_exact(torch.randn_like(m.running_mean) * 0.1))
            m.running_var.copy_(float32_exact(torch.rand_like(m.running_var) + 0.5))


def warm_moments(adam):
    for group in adam.param_groups:
        for p in group["params"]:
            adam.state[p] = {
                "step": torch.tensor(float(STEPS_DONE)),
                "exp_avg": float32_exact(torch.randn_like(p) * 0.01),
                "exp_avg_sq": float32_exact((torch.rand_like(p) + 0.5) * 1e-3),
            }


def run(name, g, d, entries, norms, real, z, std, config):
    randomise(entries, norms, std)
    statistics = BiasedStatistics(norms)
    step = dcgan.Step(g, d, RATE_G, RATE_D, adam=dict(betas=(BETA1, BETA2), eps=EPSILON))
    for adam in (step.adam_g, step.adam_d):
        warm_moments(adam)
    state = {**step.adam_g.state, **step.adam_d.state}
    record = {n: {"layout": f, "parameter": p, "initial": p.detach().clone(), "m0": state[p]["exp_avg"].clone(),
                  "v0": state[p]["exp_avg_sq"].clone()} for n, p, f in entries}
    moving = {n: {"initial": t} for n, t in statistics.snapshot().items()}
    seen, restore = watch_kinks([d])

    # what D says before anything is updated; the hooks' statistics are put back
    kept = {n: list(v) for n, v in statistics.values.items()}
    with torch.no_grad():
        fake = g(z)
        outputs = {"fake": nhwc(fake) if fake.dim() == 4 else fake, "logits_real": d(real), "logits_fake": d(fake)}
    statistics.values = kept
    after_d = {}
    handle = step.adam_d.register_step_post_hook(lambda *_: after_d.update(statistics.snapshot()))
    loss_d, loss_g = step(real, z)
    handle.remove()
    restore()
    if min(seen) < 1e-5:
        return False

    variables = {}
    for n, r in record.items():
        p, f = r["parameter"], r["layout"]
        values = {"initial": r["initial"], "gradient": p.grad, "updated": p, "m0": r["m0"], "v0": r["v0"],
                  "m": state[p]["exp_avg"], "v": state[p]["exp_avg_sq"]}
        variables[n] = {k: packed(f(t)) for k, t in values.items()}
    for n, t in statistics.snapshot().items():
        moving[n] |= {"after_d": after_d[n], "updated": t}
    made = {
        "case": name,
        "config": config,
        "optimizer": {"kind": "adam", "beta1": BETA1, "beta2": BETA2, "epsilon": EPSILON, "stepsDone": STEPS_DONE, "rateG": RATE_G, "rateD": RATE_D},
        "inputs": {"real": packed(nhwc(real) if real.dim() == 4 else real), "z": packed(z)},
        "outputs": {k: packed(t) for k, t in outputs.items()},
        "losses": {"d": loss_d.item(), "g": loss_g.item()},
        "variables": variables,
        "moving": {n: {k: packed(t) for k, t in v.items()} for n, v in moving.items()},
    }
    text = json.dumps(made, separators=(",", ":")) + "\n"
    (HERE / f"step-{name}.json").write_text(text)
    print(f"step-{name}.json {len(text) // 1000} kB, loss of D {loss_d.item():.6f}, of G {loss_g.item():.6f}, nearest kink {min(seen):.1e}")
    return True


def picture_case(name, seed, pool, base=4, latent=8, batch=4):
    torch.manual_seed(seed)
    g, d = dcgan.Generator(28, 1, base, latent), dcgan.Discriminator(28, 1, base, pool)
    entries, norms = dcgan_entries(g, d)
    real, z = float32_exact(torch.rand(batch, 1, 28, 28) * 2 - 1), float32_exact(torch.randn(batch, latent))
    return run(name, g, d, entries, norms, real, z, 0.15, {
        "seed": seed, "system": "dcgan", "size": 28, "channels": 1, "base": base, "latent": latent, "batch": batch, "pool": pool,
        "leak": 0.2, "normEpsilon": 1e-5, "normMomentum": 0.9, "loss": "non-saturating",
    })


def mlp_case(name, seed, hidden=16, batch=16):
    torch.manual_seed(seed)
    g, d = dcgan.MlpGenerator(2, hidden, 2), dcgan.MlpDiscriminator(hidden, 2)
    entries, norms = mlp_entries(g, d)
    real, z = float32_exact(torch.randn(batch, 2)), float32_exact(torch.randn(batch, 2))
    return run(name, g, d, entries, norms, real, z, 0.4, {
        "seed": seed, "system": "mlp", "latent": 2, "size": 2, "hidden": hidden, "batch": batch, "loss": "non-saturating",
    })


def away_from_kinks(case, *args):
    """The first seed whose step has no kink within 1e-5."""
    for seed in range(1, 100):
        if case(args[0], seed, *args[1:]):
            return


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    away_from_kinks(picture_case, "dcgan28", None)
    away_from_kinks(picture_case, "pool-avg", "avg", 2, 4)
    away_from_kinks(picture_case, "pool-max", "max", 2, 4)
    away_from_kinks(mlp_case, "mlp")
