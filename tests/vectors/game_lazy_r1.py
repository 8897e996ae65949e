# R1 applied lazily, as StyleGAN2 has it (Karras et al. 2020, appendix B): a phase of its own on D's moments, weight γ·every, rate and betas of the same time
# constants. On a DCGAN whose discriminator has no norms; the phase runs in the first of two iterations.
# Run: python tests/vectors/game_lazy_r1.py   → game-lazy-r1.json here.
from game import bce, dcgan_d, dcgan_g, dcgan_weights, slopes, write


def lazy_r1(g):
    batch, latent, base, gamma, every = 3, 6, 4, 0.5, 4
    part = every / (every + 1)
    dcgan_weights(g, latent, base, 1)
    g.adam("adam_g", ["g/"], 2e-3, (0.5, 0.99)), g.adam("adam_d", ["d/"], 1e-3, (0.5, 0.99), part)
    g.config = {"options": {"base": base, "latent": latent, "dSteps": 1, "loss": "non-saturating", "beta1": 0.5, "beta2": 0.99, "rates": {"g": 2e-3, "d": 1e-3},
                            "penalties": {"r1": {"weight": gamma, "every": every}}}, "batch": batch, "shape": [16, 16, 1]}
    yield
    for iteration in range(2):
        real, z = g.feed("game", real=g.picture(batch, 16, 16, 1), z=g.randn(batch, latent))
        fake = dcgan_g(g, z)
        loss_d = g.descend("adam_d", bce(dcgan_d(g, real), 1) + bce(dcgan_d(g, fake.detach()), 0))
        loss_g = g.descend("adam_g", bce(dcgan_d(g, fake), 1))
        if iteration % every == 0:
            real, z = g.feed("r1", real=g.picture(batch, 16, 16, 1), z=g.randn(batch, latent))
            r1 = 0.5 * slopes(lambda x: dcgan_d(g, x), real).pow(2).sum(1).mean()
            g.descend("adam_d", gamma * every * r1)
    g.scalars = {"loss_d": loss_d, "loss_g": loss_g}


if __name__ == "__main__":
    write("lazy-r1", lazy_r1)
