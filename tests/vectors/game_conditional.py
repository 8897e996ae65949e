# A class-conditional GAN: conditional batch norm in G; in D a projection (Miyato and Koyama 2018) with lazy R1, or a second output that names the class
# (AC-GAN, Odena et al. 2017). Also with a hidden layer in both (InfoGAN, Chen et al. 2016).
# Run: python tests/vectors/game_conditional.py [names…]   → game-conditional.json, game-ac-gan.json and game-conditional-hidden.json here.
import sys

import torch
import torch.nn.functional as F
from game import batch_norm, bce, conv, conv_transpose, dense, leaky, relu, share, slopes, write

BATCH, LATENT, BASE, CLASSES = 4, 4, 2, 3


def weights(g, auxiliary, hidden):
    for name, size in [*([("hidden", hidden)] if hidden else []), ("dense", 2 * BASE), ("up0", BASE)]:
        g.add(f"g/{name}_norm/gamma", CLASSES, size), g.add(f"g/{name}_norm/beta", CLASSES, size), g.statistics(f"g/{name}_norm", size)
    if hidden:
        g.add("g/hidden/kernel", LATENT, hidden)
    g.add("g/dense/kernel", hidden or LATENT, 16 * 2 * BASE), g.add("g/up0/kernel", 4, 4, BASE, 2 * BASE)
    g.add("g/last/kernel", 4, 4, 1, BASE), g.add("g/last/bias", 1)
    g.add("d/conv0/kernel", 4, 4, 1, BASE), g.add("d/conv0/bias", BASE)
    g.add("d/conv1/kernel", 4, 4, BASE, 2 * BASE), g.add("d/conv1/bias", 2 * BASE)
    features = 16 * 2 * BASE
    if hidden:
        g.add("d/hidden/kernel", features, hidden), g.add("d/hidden/bias", hidden)
        features = hidden
    if auxiliary:
        g.add("d/dense/kernel", features, 1), g.add("d/dense/bias", 1)
        g.add("d/classes/kernel", features, CLASSES), g.add("d/classes/bias", CLASSES)
    else:
        g.add("d/projection/kernel", features, 1), g.add("d/projection/bias", 1), g.add("d/projection/embeddings", CLASSES, features)


def generate(g, z, labels, hidden):
    if hidden:
        z = relu(batch_norm(g, "g/hidden_norm", dense(g, "g/hidden", z), labels))
    x = dense(g, "g/dense", z).reshape(len(z), 4, 4, -1)
    x = relu(batch_norm(g, "g/dense_norm", x, labels))
    x = relu(batch_norm(g, "g/up0_norm", conv_transpose(g, "g/up0", x), labels))
    return torch.tanh(conv_transpose(g, "g/last", x))


def judge(g, x, labels, auxiliary, hidden):
    h = leaky(conv(g, "d/conv1", leaky(conv(g, "d/conv0", x, 2)), 2)).reshape(len(x), -1)
    if hidden:
        h = leaky(dense(g, "d/hidden", h))
    if auxiliary:
        return dense(g, "d/dense", h), dense(g, "d/classes", h)
    return dense(g, "d/projection", h) + (h * g["d/projection/embeddings"][labels]).sum(1, keepdim=True), None


def conditional(auxiliary=False, hidden=0):
    def case(g):
        gamma, every = 0.5, 2
        lazy = {} if auxiliary else {"r1": {"weight": gamma, "every": every}}
        weights(g, auxiliary, hidden)
        g.adam("adam_g", ["g/"], 2e-3), g.adam("adam_d", ["d/"], 1e-3, part=every / (every + 1) if lazy else 1)
        g.config = {"options": {"base": BASE, "hidden": hidden, "hiddenD": hidden, "latent": LATENT, "conditioning": "auxiliary" if auxiliary else "projection", "schedule": "constant",
                                "rates": {"g": 2e-3, "d": 1e-3}, "penalties": lazy}, "batch": BATCH, "shape": [16, 16, 1]}
        draw = lambda: dict(real=g.picture(BATCH, 16, 16, 1), label=torch.randint(0, CLASSES, (BATCH,), generator=g.gen), z=g.randn(BATCH, LATENT))
        named = lambda classes, labels: F.cross_entropy(classes, labels) if auxiliary else 0
        yield
        real, labels, z = g.feed("game", **draw())
        fake = generate(g, z, labels, hidden)
        (on_real, classes_real), (on_fake, classes_fake) = (
            judge(g, x, labels, auxiliary, hidden) for x in (real, fake.detach()))
        loss_d = g.descend("adam_d", bce(on_real, 1) + bce(on_fake, 0) + named(classes_real, labels) + named(classes_fake, labels))
        deceived, classes = judge(g, fake, labels, auxiliary, hidden)
        loss_g = g.descend("adam_g", bce(deceived, 1) + named(classes, labels))
        g.scalars = {"loss_d": loss_d, "loss_g": loss_g, "d_real": share(on_real), "d_fake": share(-on_fake)}
        if lazy:
            real, labels, z = g.feed("r1", **draw())
            r1 = 0.5 * slopes(lambda x: judge(g, x, labels, auxiliary, hidden)[0], real).pow(2).sum(1).mean()
            g.descend("adam_d", gamma * every * r1)
            g.scalars["r1"] = r1.item()
    return case


if __name__ == "__main__":
    cases = {"conditional": conditional(), "ac-gan": conditional(auxiliary=True), "conditional-hidden": conditional(hidden=3)}
    for name in sys.argv[1:] or cases:
        write(name, cases[name])
