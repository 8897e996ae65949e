# A matching-aware GAN (Reed et al. 2016): texts are means of words and pairs of words (a + ReLU(a + b), a being the
# word's vector, b one of the word before), beside z in G and multiplied with the features in D; wrong captions are the next example's of the batch, one of which says the same; lazy R1. Eight pixels,
# batch norms scaled by the text. Run: python tests/vectors/game_text2image.py   → game-text2image.json here.
import torch
import torch.nn.functional as F
from game import batch_norm, bce, conv, conv_transpose, dense, leaky, relu, share, slopes, write

BATCH, LATENT, BASE, WORDS, LENGTH, SIZE = 4, 4, 2, 6, 3, 3


def weights(g):
    for role in "gd":
        for table in ("words", "before"):
            g.weights[f"{role}/text_words/{table}"] = g.exact(g.randn(WORDS, SIZE) * 0.3).requires_grad_()
    g.add("g/text_dense/kernel", SIZE, SIZE), g.add("g/text_dense/bias", SIZE)
    g.add("g/dense/kernel", LATENT + SIZE, 16 * BASE)
    g.add("g/dense_norm/gamma", BASE), g.add("g/dense_norm/beta", BASE), g.statistics("g/dense_norm", BASE)
    for part in ("scale", "offset"):
        g.add(f"g/dense_{part}/kernel", SIZE, BASE), g.add(f"g/dense_{part}/bias", BASE)
    g.add("g/last/kernel", 4, 4, 3, BASE), g.add("g/last/bias", 3)
    g.add("d/conv0/kernel", 4, 4, 3, BASE), g.add("d/conv0/bias", BASE)
    g.add("d/text_dense/kernel", SIZE, 16 * BASE), g.add("d/text_dense/bias", 16 * BASE)
    g.add("d/dense/kernel", 16 * BASE, 1), g.add("d/dense/bias", 1)


def told(g, name, ids):
    """The mean over pairs of words, by a loop over them; padding stands before the first."""
    word = lambda row, t: g[f"{name}/words"][row[t]]
    pair = lambda row, t: relu(word(row, t) + g[f"{name}/before"][row[t - 1] if t > 0 else 0])
    return torch.stack([torch.stack([word(row, t) + pair(row, t) for t in range(LENGTH) if row[t] > 0]).mean(0) for row in ids])


def generate(g, z, text):
    text = leaky(dense(g, "g/text_dense", told(g, "g/text_words", text)))
    x = dense(g, "g/dense", torch.cat([z, text], 1)).reshape(len(z), 4, 4, -1)
    x = batch_norm(g, "g/dense_norm", x)
    row = lambda part: dense(g, f"g/dense_{part}", text)[:, None, None, :]
    return torch.tanh(conv_transpose(g, "g/last", relu(x * (1 + row("scale")) + row("offset"))))


def judge(g, x, text):
    h = leaky(conv(g, "d/conv0", x, 2)).reshape(len(x), -1)
    return dense(g, "d/dense", h) + (h * dense(g, "d/text_dense", told(g, "d/text_words", text))).sum(
        1, keepdim=True
    )


def text2image(g):
    gamma, every = 0.5, 2
    weights(g)
    g.adam("adam_g", ["g/"], 2e-3), g.adam("adam_d", ["d/"], 1e-3, part=every / (every + 1))
    g.config = {
        "options": {
            "base": BASE,
            "latent": LATENT,
            "embedding": SIZE,
            "captionIn": "norms",
            "schedule": "constant",
            "rates": {"g": 2e-3, "d": 1e-3},
            "penalties": {"r1": {"weight": gamma, "every": every}},
        },
        "batch": BATCH,
        "shape": [8, 8, 3],
        "words": WORDS,
        "length": LENGTH,
    }
    draw = lambda: dict(real=g.picture(BATCH, 8, 8, 3), z=g.randn(BATCH, LATENT))
    text = torch.tensor([[1, 2, 0], [3, 0, 0], [3, 0, 0], [4, 5, 1]])
    yield
    real, z, text = g.feed("game", **draw(), text=text)
    fake = generate(g, z, text)
    on_real, on_fake, on_other = judge(g, real, text), judge(g, fake.detach(), text), judge(g, real, text.roll(-1, 0))
    wrong = (
        F.softplus(on_other)[[0, 2, 3]].sum() + F.softplus(on_fake)[1].sum()
    )  # the second and the third caption are the same
    loss_d = g.descend("adam_d", bce(on_real, 1) + 0.5 * bce(on_fake, 0) + 0.5 * wrong / BATCH)
    loss_g = g.descend("adam_g", bce(judge(g, fake, text), 1))
    g.scalars = {
        "loss_d": loss_d,
        "loss_g": loss_g,
        "d_real": share(on_real),
        "d_fake": share(-on_fake),
        "d_wrong": share(-on_other),
    }
    real, z, text = g.feed("r1", **draw(), text=text)
    r1 = 0.5 * slopes(lambda x: judge(g, x, text), real).pow(2).sum(1).mean()
    g.descend("adam_d", gamma * every * r1)
    g.scalars["r1"] = r1.item()


if __name__ == "__main__":
    write("text2image", text2image)
