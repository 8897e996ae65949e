# CycleGAN (Zhu et al. 2017), two iterations: generators first, then discriminators on pictures of the pools, which
# fill up in the first. `cyclegan`: the paper's networks. `cyclegan-reflect`: generators without norms that reflect
# everywhere and add their input, discriminators without padding and with spectral norms.
# Run: python tests/vectors/game_cyclegan.py   → game-cyclegan.json, game-cyclegan-reflect.json here.
import torch
import torch.nn.functional as F
from game import (
    conv,
    conv_transpose,
    double,
    instance_norm,
    l1,
    leaky,
    mse,
    nchw,
    nhwc,
    patch,
    patch_weights,
    relu,
    write,
)
from game_resnet import layer


def translator_weights(g, name, channels, base, blocks, reflecting):
    widths = [base, 2 * base, 4 * base]

    def add(part, edge, before, after):
        g.add(f"{name}/{part}/kernel", edge, edge, before, after)
        if reflecting:
            g.add(f"{name}/{part}/bias", after)

    add("first", 7, channels, base)
    for i in (0, 1):
        add(f"down{i}", 3, widths[i], widths[i + 1])
    for i in range(blocks):
        add(f"block{i}_a", 3, widths[2], widths[2]), add(f"block{i}_b", 3, widths[2], widths[2])
    for i in (0, 1):
        if reflecting:
            add(f"up{i}", 3, widths[2 - i], widths[1 - i])
        else:
            g.add(f"{name}/up{i}/kernel", 3, 3, widths[1 - i], widths[2 - i])
    g.add(f"{name}/last/kernel", 7, 7, base, channels), g.add(f"{name}/last/bias", channels)


def reflected(g, name, x, s=1):
    by = (g[f"{name}/kernel"].shape[0] - 1) // 2
    return conv(g, name, nhwc(F.pad(nchw(x), (by,) * 4, mode="reflect")), s, padding="valid")


def translate(g, name, x, blocks):
    x = relu(instance_norm(reflected(g, f"{name}/first", x)))
    for i in (0, 1):
        x = relu(instance_norm(conv(g, f"{name}/down{i}", x, 2)))
    for i in range(blocks):
        x = x + instance_norm(
            reflected(g, f"{name}/block{i}_b", relu(instance_norm(reflected(g, f"{name}/block{i}_a", x))))
        )
    for i in (0, 1):
        x = relu(instance_norm(conv_transpose(g, f"{name}/up{i}", x)))
    return torch.tanh(reflected(g, f"{name}/last", x))


def translate_reflecting(g, name, x, blocks):
    given = x
    x = relu(reflected(g, f"{name}/first", x))
    for i in (0, 1):
        x = relu(reflected(g, f"{name}/down{i}", x, 2))
    for i in range(blocks):
        x = x + reflected(g, f"{name}/block{i}_b", relu(reflected(g, f"{name}/block{i}_a", x)))
    for i in (0, 1):
        x = relu(reflected(g, f"{name}/up{i}", double(x)))
    return torch.tanh(reflected(g, f"{name}/last", x) + given)


def patch_spectral(g, name, x, depth):
    for i in range(depth + 1):
        x = leaky(layer(g, f"{name}/conv{i}", x, s=2 if i < depth else 1, padding="valid"))
    return layer(g, f"{name}/last", x, padding="valid")


class Pool:
    """CycleGAN's ImagePool, one for each place of the batch, with given choices: `row` where to put it, `swap` whether
    an older picture is taken instead."""

    def __init__(self, rows, filled):
        self.rows, self.pictures = rows, filled

    def query(self, picture, row, swap):
        if len(self.pictures) < self.rows:
            self.pictures.append(picture)
            return picture
        if not swap:
            return picture
        old, self.pictures[row] = self.pictures[row], picture
        return old


def cyclegan(g, reflecting=False):
    batch, base, blocks, rows, edge, cycle, identity = 2, 2, 1, 3, 20 if reflecting else 16, 10, 5
    for name in ("g_ab", "g_ba"):
        translator_weights(g, name, 1, base, blocks, reflecting)
    for name in ("d_a", "d_b"):
        patch_weights(g, name, 1, base, 1, "none" if reflecting else "instance")
        if reflecting:
            for part in ("conv0", "conv1", "last"):
                g.other[f"{name}/{part}/u"] = g.randn(g[f"{name}/{part}/kernel"].shape[-1])
    g.adam("adam_g", ["g_ab/", "g_ba/"], 2e-3), g.adam("adam_d", ["d_a/", "d_b/"], 1e-3)
    networks = (
        {"norm": "none", "up": "resize", "padding": "reflect", "skip": "on", "normD": "spectral", "paddingD": "none"}
        if reflecting
        else {
            "norm": "instance",
            "up": "transposed",
            "padding": "zeros",
            "skip": "off",
            "normD": "instance",
            "paddingD": "zeros",
        }
    )
    g.config = {
        "options": {
            "base": base,
            "baseD": base,
            "blocks": blocks,
            "depthD": 1,
            **networks,
            "cycle": cycle,
            "identity": identity,
            "pool": rows * batch,
            "rates": {"g": 2e-3, "d": 1e-3},
        },
        "batch": batch,
        "shape": [edge, edge, 1],
    }
    pools = {
        side: [Pool(rows, [g.picture(edge, edge, 1) for _ in range(rows - 1)]) for _ in range(batch)] for side in "ab"
    }

    def remember():
        """[rows, batch, h, w, c]; rows not filled yet are 0."""
        for side in "ab":
            full = [p.pictures + [torch.zeros(edge, edge, 1)] * (rows - len(p.pictures)) for p in pools[side]]
            g.other[f"pool_{side}/pictures"] = torch.stack([torch.stack([f[r] for f in full]) for r in range(rows)])
        g.other["pool/count"] = torch.tensor(float(len(pools["a"][0].pictures)))

    remember()
    yield
    swaps = {"a": [[0, 1], [1, 0]], "b": [[1, 0], [1, 1]]}  # in the first iteration the pools fill up
    for i in range(2):
        a, b = g.picture(batch, edge, edge, 1), g.picture(batch, edge, edge, 1)
        row = {s: torch.randint(0, rows, (batch,), generator=g.gen) for s in "ab"}
        swap = {s: torch.tensor(swaps[s][i], dtype=torch.float64) for s in "ab"}
        g.feed("game", a=a, b=b, row_a=row["a"], row_b=row["b"], swap_a=swap["a"], swap_b=swap["b"])
        through = translate_reflecting if reflecting else translate
        ab, ba = (lambda x: through(g, "g_ab", x, blocks)), (lambda x: through(g, "g_ba", x, blocks))
        patches = (lambda *at: patch_spectral(*at)) if reflecting else (lambda *at: patch(*at, "instance"))
        judge = {s: (lambda x, s=s: patches(g, f"d_{s}", x, 1)) for s in "ab"}
        fake_b, fake_a = ab(a), ba(b)
        there = l1(ba(fake_b), a) + l1(ab(fake_a), b)
        alike = l1(ab(b), b) + l1(ba(a), a)
        adversarial = mse(judge["b"](fake_b), 1) + mse(judge["a"](fake_a), 1)
        loss_g = g.descend("adam_g", adversarial + cycle * there + identity * alike)
        losses, real = [], {"a": a, "b": b}
        for s, fake in (("a", fake_a), ("b", fake_b)):
            shown = torch.stack(
                [pools[s][n].query(fake[n].detach(), int(row[s][n]), bool(swap[s][n])) for n in range(batch)]
            )
            losses.append(0.5 * (mse(judge[s](real[s]), 1) + mse(judge[s](shown), 0)))
        loss_d = g.descend("adam_d", sum(losses))
        remember()
    g.scalars = {"loss_g": loss_g, "loss_d": loss_d, "cycle": there.item(), "identity": alike.item()}


if __name__ == "__main__":
    write("cyclegan", cyclegan)
    write("cyclegan-reflect", lambda g: cyclegan(g, reflecting=True))
