# Two iterations of residual networks for 16 × 16. `resnet`: SNGAN (Miyato et al. 2018), hinge, spectral norm by one round
# of power iteration a call, batch norm in G, self-attention in both (Zhang et al. 2019), minibatch deviation, and R1
# through all of it. `resnet-rpgan`: no norms, RpGAN with R1 and R2, widths all alike (as R3GAN, Huang et al. 2024).
# Run: python tests/vectors/game_resnet.py   → game-resnet.json, game-resnet-rpgan.json here.
import torch
import torch.nn.functional as F

from game import away, batch_norm, bce, conv, double, relu, slopes, write

SIZE, BATCH, LATENT, CHANNELS = 16, 4, 5, 2


def spectral(g, name):
    """The kernel over its largest singular value; u goes on from call to call, u and v are constants (torch's too)."""
    kernel, u = g[f"{name}/kernel"], g.other[f"{name}/u"]
    matrix = kernel.reshape(-1, kernel.shape[-1]).t()
    with torch.no_grad():
        v = F.normalize(matrix.t() @ u, dim=0, eps=1e-12)
        u = F.normalize(matrix @ v, dim=0, eps=1e-12)
        g.other[f"{name}/u"] = u
    return kernel / torch.dot(u, matrix @ v)


def layer(g, name, x, **how):
    """A convolution, or dense layer, spectrally normalised where it has a vector u."""
    kernel = spectral(g, name) if f"{name}/u" in g.other else g[f"{name}/kernel"]
    if kernel.dim() == 2:
        return x @ kernel + g[f"{name}/bias"]
    return conv(g, name, x, kernel=kernel, **how)


def attend(g, name, x):
    rows = [layer(g, f"{name}/{part}", x).reshape(len(x), -1, g[f"{name}/{part}/kernel"].shape[-1])
            for part in ("query", "key", "value")]
    weights = torch.softmax(rows[0] @ rows[1].transpose(1, 2), -1)
    return x + g[f"{name}/gamma"] * (weights @ rows[2]).reshape(x.shape)


def deviation(x, group):
    n, h, w, c = x.shape
    y = x.reshape(group, n // group, -1)
    y = ((y - y.mean(0)).square().mean(0) + 1e-8).sqrt().mean(1).repeat(group).reshape(n, 1, 1, 1)
    return torch.cat([x, y.expand(n, h, w, 1)], 3)


def pool(x):
    return F.avg_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def norm(g, name, x):
    return batch_norm(g, name, x) if f"{name}/gamma" in g.weights else x


def generator(g, z):
    x = layer(g, "g/dense", z).reshape(len(z), 4, 4, -1)
    for i in range(2):
        name = f"g/block{i}"
        y = layer(g, f"{name}_a", double(relu(norm(g, f"{name}_a_norm", x))))
        y = layer(g, f"{name}_b", relu(norm(g, f"{name}_b_norm", y)))
        x = layer(g, f"{name}_skip", double(x)) + y
        if i == 0 and "g/attention/gamma" in g.weights:
            x = attend(g, "g/attention", x)
    return torch.tanh(layer(g, "g/last", relu(norm(g, "g/last_norm", x))))


def discriminator(g, x, group):
    for i in range(2):
        name = f"d/block{i}"
        y = layer(g, f"{name}_a", x if i == 0 else relu(x))
        y = pool(layer(g, f"{name}_b", relu(y)))
        x = pool(layer(g, f"{name}_skip", x)) + y
        if i == 0 and "d/attention/gamma" in g.weights:
            x = attend(g, "d/attention", x)
    x = deviation(x, group) if group else x
    return layer(g, "d/dense", relu(layer(g, "d/last", x)).sum((1, 2)))


def weights(g, base, widest, attention, group, normed, spectrally, scale=None):
    """`normed`: batch norms in G, which take biases away; `spectrally`: D; `scale` of kernels."""
    wide = min(2 * base, widest)

    def add(name, *shape, biased=True):
        g.add(f"{name}/kernel", *shape, scale=scale)
        if biased:
            g.add(f"{name}/bias", shape[-1])
        if spectrally and name.startswith("d/"):
            g.other[f"{name}/u"] = g.randn(shape[-1])

    def add_norm(name, size):
        if normed:
            g.add(f"{name}/gamma", size), g.add(f"{name}/beta", size), g.statistics(name, size)

    def add_attention(name, size):
        if attention:
            for part, count in (("query", 1), ("key", 1), ("value", size)):
                add(f"{name}/{part}", 1, 1, size, count, biased=False)
            g.weights[f"{name}/gamma"] = (g.randn() * 0.5).requires_grad_()

    add("g/dense", LATENT, 16 * wide)
    for i, (before, after) in enumerate([(wide, wide), (wide, base)]):
        name = f"g/block{i}"
        add_norm(f"{name}_a_norm", before), add(f"{name}_a", 3, 3, before, after, biased=not normed)
        add_norm(f"{name}_b_norm", after), add(f"{name}_b", 3, 3, after, after, biased=not normed)
        add(f"{name}_skip", 1, 1, before, after, biased=not normed)
        if i == 0:
            add_attention("g/attention", after)
    add_norm("g/last_norm", base), add("g/last", 3, 3, base, CHANNELS)
    for i, (before, after) in enumerate([(CHANNELS, base), (base, wide)]):
        name = f"d/block{i}"
        add(f"{name}_a", 3, 3, before, after), add(f"{name}_b", 3, 3, after, after)
        add(f"{name}_skip", 1, 1, before, after)
        if i == 0:
            add_attention("d/attention", after)
    add("d/last", 3, 3, wide + (1 if group else 0), wide)
    add("d/dense", wide, 1)


def half_square(judge, x):
    return 0.5 * slopes(judge, x).pow(2).sum(1).mean()


def game(g, options, group, loss_d, loss_g, penalties):
    g.adam("adam_g", ["g/"], 2e-3, (0, 0.9)), g.adam("adam_d", ["d/"], 1e-3, (0, 0.9))
    g.config = {"options": {"latent": LATENT, "rates": {"g": 2e-3, "d": 1e-3}, "penalties": penalties, **options},
                "batch": BATCH, "shape": [SIZE, SIZE, CHANNELS]}
    yield
    for _ in range(2):
        real, z = g.feed("game", real=g.picture(BATCH, SIZE, SIZE, CHANNELS), z=g.randn(BATCH, LATENT))
        fake = generator(g, z)

        def judge(x):
            return discriminator(g, x, group)

        # in this order, as spectral norms go on from call to call
        value = loss_d(judge(real), judge(fake.detach()))
        found = {}
        for name, weight in penalties.items():
            found[name] = half_square(judge, {"r1": real, "r2": fake}[name])
            value = value + weight * found[name]
        value = g.descend("adam_d", value)
        on_fake = judge(fake)
        # relativistic losses look at the real batch too
        made = g.descend("adam_g", loss_g(on_fake, judge(real) if options.get("loss") == "rpgan" else None))
    g.scalars = {"loss_d": value, "loss_g": made, **{name: one.item() for name, one in found.items()}}


def resnet(g):
    group = 2
    weights(g, 2, 4, attention=True, group=group, normed=True, spectrally=True)
    options = {"base": 2, "widest": 4, "attention": 8, "deviation": group}

    def hinge(real, fake):
        return F.relu(away(1 - real)).mean() + F.relu(away(1 + fake)).mean()

    yield from game(g, options, group, hinge, lambda fake, _: -fake.mean(), {"r1": 0.5})


def rpgan(g):
    weights(g, 3, 3, attention=False, group=0, normed=False, spectrally=False, scale=0.4)
    options = {"base": 3, "widest": 3, "norm": "none", "spectral": "none", "loss": "rpgan"}
    yield from game(g, options, 0, lambda real, fake: bce(real - fake, 1), lambda fake, real: bce(fake - real, 1),
                    {"r1": 0.5, "r2": 0.25})


if __name__ == "__main__":
    write("resnet", resnet)
    write("resnet-rpgan", rpgan)
