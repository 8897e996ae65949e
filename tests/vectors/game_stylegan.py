# StyleGAN2 at 8 pixels (Karras et al. 2020): mapping with a slower rate, modulated and demodulated convolutions with
# weights of each example's own (a grouped convolution; ours scales the pictures instead), noise, styles of two latents,
# pictures added up, residual D with minibatch standard deviation, R1 and path length as phases of their own on shared
# moments, the running mean of w. Two iterations; R1 and path length run in the first. Run: python
# tests/vectors/game_stylegan.py   → game-stylegan.json here.
import math

import torch
import torch.nn.functional as F
from game import bce, leaky, nchw, nhwc, share, slopes, write

BATCH, LATENT, STYLE, DEPTH, EDGE, CHANNELS = 4, 5, 6, 2, 8, 3
WIDTH = {4: 4, 8: 3}
LAYERS, NOISE, RATE, GAIN = 4, 16 + 2 * 64, 0.01, math.sqrt(2)


def scaled(g, name, gain=1.0):
    kernel = g[f"{name}/kernel"]
    return kernel * (gain / math.sqrt(kernel[..., 0].numel()))


def equal_dense(g, name, x, gain=1.0, rate=1.0):
    return x @ (scaled(g, name, gain) * rate) + g[f"{name}/bias"] * rate


def equal_conv(g, name, x, gain=1.0):
    kernel = scaled(g, name, gain).permute(3, 2, 0, 1)
    return nhwc(F.conv2d(nchw(x), kernel, g.weights.get(f"{name}/bias"), padding=kernel.shape[2] // 2))


def styles_of(g, z):
    w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
    for i in range(DEPTH):
        w = leaky(equal_dense(g, f"mapping/dense{i}", w, GAIN, RATE))
    return w


def modulated(g, name, x, w, demodulate, double=False, gain=1.0):
    style = equal_dense(g, f"{name}_affine", w)
    weight = (
        scaled(g, name, 1.0 if demodulate else gain).permute(3, 2, 0, 1)[None] * style[:, None, :, None, None]
    )  # [n, out, in, h, w]
    if demodulate:
        weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8) * gain
    if double:
        x = F.interpolate(x, scale_factor=2, mode="nearest")
    n, c, h, _ = x.shape
    y = F.conv2d(
        x.reshape(1, n * c, h, h), weight.reshape(-1, c, *weight.shape[3:]), groups=n, padding=weight.shape[3] // 2
    )
    return y.reshape(n, -1, h, h)


def synthesise(g, styles, noise):
    x, at, layer, picture = nchw(g["synthesis/start/constant"].expand(len(styles), -1, -1, -1)), 0, 0, None
    for edge in (4, 8):
        for i in (1,) if edge == 4 else (0, 1):
            name = f"synthesis/conv{edge}_{i}"
            x = modulated(g, name, x, styles[:, layer], True, i == 0, GAIN)
            x = x + noise[:, at : at + edge * edge].reshape(-1, 1, edge, edge) * g[f"{name}_noise/strength"]
            x = leaky(x + g[f"{name}_noise/bias"].reshape(1, -1, 1, 1))
            layer, at = layer + 1, at + edge * edge
        name = f"synthesis/picture{edge}"
        own = modulated(g, name, x, styles[:, layer], False) + g[f"{name}_bias/bias"].reshape(1, -1, 1, 1)
        picture = (
            own
            if picture is None
            else own + F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
        )
    return nhwc(picture)


def judge(g, x):
    x = leaky(equal_conv(g, "d/picture", x, GAIN))
    a = leaky(equal_conv(g, "d/block8_a", x, GAIN))
    pool = lambda t: nhwc(F.avg_pool2d(nchw(t), 2))
    a = leaky(equal_conv(g, "d/block8_b", pool(a), 1.0))  # √2 for the leaky ReLU, √½ for the sum
    x = a + equal_conv(g, "d/block8_skip", pool(x), math.sqrt(0.5))
    deviation = torch.sqrt(x.var(0, unbiased=False) + 1e-8).mean()  # one group of four
    x = torch.cat([x, deviation.expand(len(x), 4, 4, 1)], 3)
    x = leaky(equal_conv(g, "d/last", x, GAIN)).reshape(len(x), -1)
    return equal_dense(g, "d/dense1", leaky(equal_dense(g, "d/dense0", x, GAIN)))


def weights(g):
    for i in range(DEPTH):
        g.add(f"mapping/dense{i}/kernel", LATENT if i == 0 else STYLE, STYLE, scale=2.5), g.add(
            f"mapping/dense{i}/bias", STYLE, scale=2
        )
    g.add("synthesis/start/constant", 1, 4, 4, WIDTH[4])

    def modulation(name, size, inside, outside):
        g.add(f"{name}_affine/kernel", STYLE, inside, scale=1), g.add(f"{name}_affine/bias", inside)
        g.weights[f"{name}_affine/bias"].data += 1
        g.add(f"{name}/kernel", size, size, inside, outside, scale=1)

    for edge, i, inside in ((4, 1, WIDTH[4]), (8, 0, WIDTH[4]), (8, 1, WIDTH[8])):
        modulation(f"synthesis/conv{edge}_{i}", 3, inside, WIDTH[edge])
        g.add(f"synthesis/conv{edge}_{i}_noise/strength", 1), g.add(f"synthesis/conv{edge}_{i}_noise/bias", WIDTH[edge])
    for edge in (4, 8):
        modulation(f"synthesis/picture{edge}", 1, WIDTH[edge], CHANNELS)
        g.add(f"synthesis/picture{edge}_bias/bias", CHANNELS)
    for name, size, inside, outside in (
        ("picture", 1, CHANNELS, WIDTH[8]),
        ("block8_a", 3, WIDTH[8], WIDTH[8]),
        ("block8_b", 3, WIDTH[8], WIDTH[4]),
        ("block8_skip", 1, WIDTH[8], WIDTH[4]),
        ("last", 3, WIDTH[4] + 1, WIDTH[4]),
    ):
        g.add(f"d/{name}/kernel", size, size, inside, outside, scale=1)
        if name != "block8_skip":
            g.add(f"d/{name}/bias", outside)
    g.add("d/dense0/kernel", 16 * WIDTH[4], WIDTH[4], scale=1), g.add("d/dense0/bias", WIDTH[4])
    g.add("d/dense1/kernel", WIDTH[4], 1, scale=1), g.add("d/dense1/bias", 1)


def stylegan(g):
    gamma, r1_every, path_weight, path_every = 0.5, 2, 2.0, 4
    weights(g)
    g.adam("adam_g", ["mapping/", "synthesis/"], 2e-3, (0.9, 0.99), path_every / (path_every + 1))
    g.adam("adam_d", ["d/"], 1e-3, (0.9, 0.99), r1_every / (r1_every + 1))
    g.other["mean_w"] = g.randn(STYLE) * 0.125
    g.other["path_length/mean"] = torch.tensor(0.25)
    g.config = {
        "options": {
            "latent": LATENT,
            "style": STYLE,
            "depth": DEPTH,
            "base": WIDTH[8],
            "widest": WIDTH[4],
            "beta1": 0.9,
            "beta2": 0.99,
            "rates": {"g": 2e-3, "d": 1e-3},
            "penalties": {"r1": {"weight": gamma, "every": r1_every}},
            "pathLength": {"weight": path_weight, "every": path_every},
        },
        "batch": BATCH,
        "shape": [EDGE, EDGE, CHANNELS],
    }
    yield

    def drawn(phase, real):
        crossing = torch.randint(1, LAYERS, (BATCH,), generator=g.gen, dtype=torch.int32)
        mixes = torch.tensor([1.0, 1, 0, 1])
        return g.feed(
            phase,
            real=real,
            z=g.randn(BATCH, LATENT),
            z_mix=g.randn(BATCH, LATENT),
            crossing=crossing,
            mixes=mixes,
            noise=g.randn(BATCH, NOISE),
        )

    for iteration in range(2):
        real, z, z_mix, crossing, mixes, noise = drawn("game", g.picture(BATCH, EDGE, EDGE, CHANNELS))
        w, other = styles_of(g, z), styles_of(g, z_mix)
        mean = w.detach().mean(0)
        g.other["mean_w"] = g.other["mean_w"] + 0.002 * (mean - g.other["mean_w"])
        styles = torch.stack(
            [torch.where(((layer >= crossing) & (mixes > 0))[:, None], other, w) for layer in range(LAYERS)], 1
        )
        fake = synthesise(g, styles, noise)
        on_real, on_fake = judge(g, real), judge(g, fake.detach())
        loss_d = g.descend("adam_d", bce(on_real, 1) + bce(on_fake, 0))
        loss_g = g.descend("adam_g", bce(judge(g, fake), 1))
        if iteration % r1_every == 0:
            real, *_ = drawn("r1", g.picture(BATCH, EDGE, EDGE, CHANNELS))
            r1 = 0.5 * slopes(lambda x: judge(g, x), real).pow(2).sum(1).mean()
            g.descend("adam_d", gamma * r1_every * r1)
        if iteration % path_every == 0:
            z, noise, direction = g.feed(
                "path", z=g.randn(2, LATENT), noise=g.randn(2, NOISE), direction=g.randn(2, EDGE, EDGE, CHANNELS)
            )
            ws = styles_of(g, z)[:, None].expand(-1, LAYERS, -1)
            picture = synthesise(g, ws, noise)
            (slope,) = torch.autograd.grad((picture * direction / EDGE).sum(), ws, create_graph=True)
            lengths = slope.square().sum(2).mean(1).sqrt()
            moved = g.other["path_length/mean"].lerp(lengths.mean(), 0.01)
            g.descend("adam_g", path_weight * path_every * (lengths - moved).square().mean())
            g.other["path_length/mean"] = moved.detach()
    g.scalars = {"loss_d": loss_d, "loss_g": loss_g, "d_real": share(on_real), "d_fake": share(-on_fake)}


if __name__ == "__main__":
    write("stylegan", stylegan)
