# Remedies together, on a DCGAN whose discriminator has no norms and sees packs of two (Lin et al. 2018): targets
# smoothed on both sides, noisy and flipped; feature matching beside the loss; orthogonal regularisation of both (Brock
# et al. 2019, eq. 4); gradients clipped; D slowed by what it gets right. Run: python tests/vectors/game_remedies.py   →
# game-remedies.json here.
import torch

from game import bce, dcgan_d, dcgan_g, dcgan_weights, share, uniform, write
import torch.nn.functional as F

SMOOTH, SMOOTH_FAKE, NOISE, FLIPS, MATCH, ORTH_G, ORTH_D, CLIP = 0.1, 0.05, 0.2, 0.4, 0.5, 0.25, 0.125, 0.3
ABOVE, DECAY, LEAST = 0.6, 0.9, 0.1


def targets(side, run, by, n):
    t = by + NOISE * uniform(f"game/labels/{side}_noise", run, n, 1)
    t = 1 - t if side == "real" else t
    return torch.where(uniform(f"game/labels/{side}_flips", run, n, 1) < FLIPS, 1 - t, t)


def packed(x):
    half = len(x) // 2
    return torch.cat([x[:half], x[half:]], -1)


def orthogonality(g, player):
    total = 0
    for name, w in g.weights.items():
        if name.startswith(player) and name.endswith("/kernel"):
            # transposed convolutions: [height, width, out, in]
            w = w.transpose(2, 3) if name.startswith(("g/up", "g/last")) else w
            w = w.reshape(-1, w.shape[-1])
            total = total + ((w.T @ w) * (1 - torch.eye(w.shape[1]))).pow(2).sum()
    return total


def remedies(g):
    batch, latent, base = 6, 6, 4
    dcgan_weights(g, latent, base, 1)
    del g.weights["d/conv0/kernel"]
    g.add("d/conv0/kernel", 4, 4, 2, base)
    g.other["pace/slow"] = torch.tensor(0.7)
    g.adam("adam_g", ["g/"], 2e-2), g.adam("adam_d", ["d/"], 1e-2)
    g.config = {
        "options": {
            "base": base,
            "latent": latent,
            "rates": {"g": 2e-2, "d": 1e-2},
            "loss": "non-saturating",
            "dSteps": 1,
            "penalties": {},
            "beta1": 0.5,
            "beta2": 0.999,
            "pack": 2,
            "labelSmoothing": SMOOTH,
            "labelSmoothingFake": SMOOTH_FAKE,
            "labelNoise": NOISE,
            "labelFlips": FLIPS,
            "featureMatching": {"layer": "conv1_leaky", "weight": MATCH},
            "orthogonal": {"g": ORTH_G, "d": ORTH_D},
            "clipNorm": CLIP,
            "slowD": {"above": ABOVE, "decay": DECAY, "least": LEAST},
        },
        "batch": batch,
        "shape": [16, 16, 1],
    }
    yield
    for run in range(2):
        real, z = g.feed("game", real=g.picture(batch, 16, 16, 1), z=g.randn(batch, latent))
        real, fake = packed(real), packed(dcgan_g(g, z))
        on_real, on_fake = dcgan_d(g, real), dcgan_d(g, fake.detach())
        pace = min(1, max(LEAST, (1 - g.other["pace/slow"].item()) / (1 - ABOVE)))
        right = (share(on_real) + share(-on_fake)) / 2
        g.other["pace/slow"] = DECAY * g.other["pace/slow"] + (1 - DECAY) * right
        cost = F.binary_cross_entropy_with_logits
        n = len(real)
        loss_d = (
            cost(on_real, targets("real", run, SMOOTH, n))
            + cost(on_fake, targets("fake", run, SMOOTH_FAKE, n))
            + ORTH_D * orthogonality(g, "d/")
        )
        loss_d = g.descend("adam_d", loss_d, CLIP, pace)
        _, wanted = dcgan_d(g, real, True)
        logits, got = dcgan_d(g, fake, True)
        matching = (wanted[1].mean(0) - got[1].mean(0)).pow(2).sum()
        loss_g = g.descend("adam_g", bce(logits, 1) + MATCH * matching + ORTH_G * orthogonality(g, "g/"), CLIP)
    g.scalars = {
        "loss_d": loss_d,
        "loss_g": loss_g,
        "feature_matching": matching.item(),
        "pace_d": pace,
        "d_right": right,
    }


if __name__ == "__main__":
    write("remedies", remedies)
