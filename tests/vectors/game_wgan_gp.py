# WGAN-GP (Gulrajani et al. 2017, algorithm 1) with two critic steps and one generator step, on a DCGAN whose critic has no norms.
# Run: python tests/vectors/game_wgan_gp.py   → game-wgan-gp.json here.
from game import dcgan_d, dcgan_g, dcgan_weights, slopes, uniform, write


def wgan_gp(g):
    batch, latent, base, weight, k = 3, 6, 4, 10, 0.75
    dcgan_weights(g, latent, base, 1)
    g.adam("adam_g", ["g/"], 2e-3, (0.0, 0.9)), g.adam("adam_d", ["d/"], 1e-3, (0.0, 0.9))
    g.config = {"options": {"base": base, "latent": latent, "dSteps": 2, "rates": {"g": 2e-3, "d": 1e-3}, "penalties": {"gradient-penalty": {"weight": weight, "k": k}}},
                "batch": batch, "shape": [16, 16, 1]}
    yield
    losses, penalties = [], []
    for run in range(2):
        real, z = g.feed("discriminator", real=g.picture(batch, 16, 16, 1), z=g.randn(batch, latent))
        fake = dcgan_g(g, z).detach()
        mix = uniform("discriminator/gradient-penalty/mix", run, batch, 1, 1, 1)
        penalty = ((slopes(lambda x: dcgan_d(g, x), mix * real + (1 - mix) * fake).norm(dim=1) - k) ** 2).mean()
        losses.append(g.descend("adam_d", dcgan_d(g, fake).mean() - dcgan_d(g, real).mean() + weight * penalty))
        penalties.append(penalty.item())
    z, = g.feed("generator", z=g.randn(batch, latent))
    loss_g = g.descend("adam_g", -dcgan_d(g, dcgan_g(g, z)).mean())
    g.scalars = {"loss_d": sum(losses) / 2, "gradient-penalty": sum(penalties) / 2, "loss_g": loss_g}


if __name__ == "__main__":
    write("wgan-gp", wgan_gp)
