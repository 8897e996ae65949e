# WGAN (Arjovsky et al. 2017, algorithm 1): two critic steps whose weights are clipped, and a generator step; latents even
# on [-1, 1), drawn as [0, 1); a generator that ends with a sigmoid, whose pictures the critic sees in the data's range.
# Run: python tests/vectors/game_wgan.py   → game-wgan.json here.
import torch

from game import batch_norm, conv_transpose, dcgan_d, dcgan_weights, dense, relu, write

BOUND = 0.1


def sigmoid_g(g, drawn):
    x = dense(g, "g/dense", 2 * drawn - 1).reshape(len(drawn), 4, 4, -1)
    x = relu(batch_norm(g, "g/dense_norm", x))
    x = relu(batch_norm(g, "g/up0_norm", conv_transpose(g, "g/up0", x)))
    return 2 * torch.sigmoid(conv_transpose(g, "g/last", x)) - 1


def wgan(g):
    batch, latent, base = 3, 6, 4
    dcgan_weights(g, latent, base, 1)
    critic = [n for n in g.weights if n.startswith("d/")]
    for n in critic:  # as after a clipped update: most of the larger ones are at the bound, exact in float32
        g.weights[n] = g.exact(g.weights[n].detach().clamp(-BOUND, BOUND)).requires_grad_()
    g.adam("adam_g", ["g/"], 2e-3, (0.0, 0.9)), g.adam("adam_d", ["d/"], 1e-2, (0.0, 0.9))
    options = {"base": base, "latent": latent, "dSteps": 2, "rates": {"g": 2e-3, "d": 1e-2}, "penalties": {},
               "clipWeights": BOUND, "distribution": "uniform", "output": "sigmoid"}
    g.config = {"options": options, "batch": batch, "shape": [16, 16, 1]}
    yield
    losses = []
    for _ in range(2):
        real, z = g.feed("discriminator", real=g.picture(batch, 16, 16, 1), z=g.rand(batch, latent))
        fake = sigmoid_g(g, z).detach()
        losses.append(g.descend("adam_d", dcgan_d(g, fake).mean() - dcgan_d(g, real).mean()))
        with torch.no_grad():
            for n in critic:
                g.weights[n].clamp_(-BOUND, BOUND)
    z, = g.feed("generator", z=g.rand(batch, latent))
    loss_g = g.descend("adam_g", -dcgan_d(g, sigmoid_g(g, z)).mean())
    g.scalars = {"loss_d": sum(losses) / 2, "loss_g": loss_g}


if __name__ == "__main__":
    write("wgan", wgan)
