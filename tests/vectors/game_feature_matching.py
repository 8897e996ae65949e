# Feature matching (Salimans et al. 2016, section 3.1): D by cross-entropy, G by the mean of both hidden layers of the updated D.
# Run: python tests/vectors/game_feature_matching.py   → game-feature-matching.json here.
from game import bce, dcgan_d, dcgan_g, dcgan_weights, write


def feature_matching(g):
    batch, latent, base = 3, 6, 4
    dcgan_weights(g, latent, base, 1)
    g.adam("adam_g", ["g/"], 2e-3), g.adam("adam_d", ["d/"], 1e-3)
    g.config = {"options": {"base": base, "latent": latent, "layers": ["conv0_leaky", "conv1_leaky"], "rates": {"g": 2e-3, "d": 1e-3}}, "batch": batch,
                "shape": [16, 16, 1]}
    yield
    real, z = g.feed("game", real=g.picture(batch, 16, 16, 1), z=g.randn(batch, latent))
    fake = dcgan_g(g, z)
    loss_d = g.descend("adam_d", bce(dcgan_d(g, real), 1) + bce(dcgan_d(g, fake.detach()), 0))
    _, wanted = dcgan_d(g, real, True)
    _, got = dcgan_d(g, fake, True)
    loss_g = g.descend("adam_g", sum((w.mean(0) - f.mean(0)).pow(2).sum() for w, f in zip(wanted, got)))
    g.scalars = {"loss_d": loss_d, "loss_g": loss_g}


if __name__ == "__main__":
    write("feature-matching", feature_matching)
