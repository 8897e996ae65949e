# SRGAN (Ledig et al. 2017; ESRGAN's relativistic average, Wang et al. 2018): a step by pixels alone, then one against
# the discriminator. Crops at random places; the small picture is the mean of blocks. Run: python
# tests/vectors/game_srgan.py   → game-srgan.json here.
import torch
import torch.nn.functional as F
from game import conv, double, l1, nchw, nhwc, patch, patch_weights, relu, share, write


def resolver_weights(g, scale, channels, base, blocks, up):
    def layer(name, input, output):
        g.add(f"g/{name}/kernel", 3, 3, input, output), g.add(f"g/{name}/bias", output)

    layer("first", channels, base)
    for i in range(blocks):
        layer(f"block{i}_a", base, base), layer(f"block{i}_b", base, base)
    layer("body", base, base)
    layer("up0", base, base * (scale**2 if up == "shuffle" else 1))
    layer("last", base, channels)


def shuffle(x, scale):
    """TensorFlow's order of channels: (y, x, channel)."""
    n, h, w, c = x.shape
    return (
        x.reshape(n, h, w, scale, scale, c // scale**2).permute(0, 1, 3, 2, 4, 5).reshape(n, h * scale, w * scale, -1)
    )


def enlarged(x, scale):
    by = 3
    padded = F.pad(nchw(x), (by,) * 4, mode="replicate")
    y = F.interpolate(
        padded, scale_factor=scale, mode="bicubic", align_corners=False, antialias=True
    )  # antialias: a = -1/2
    return nhwc(y[:, :, by * scale : -by * scale, by * scale : -by * scale])


def resolve(g, x, scale, blocks, up):
    """Scale 2: one step up."""
    first = conv(g, "g/first", x)
    y = first
    for i in range(blocks):
        y = y + conv(g, f"g/block{i}_b", relu(conv(g, f"g/block{i}_a", y)))
    y = first + conv(g, "g/body", y)
    y = relu(shuffle(conv(g, "g/up0", y), scale) if up == "shuffle" else conv(g, "g/up0", double(y)))
    return enlarged(x, scale) + conv(g, "g/last", y)


def turned(x, mirror, upend, transpose):
    x = x.flip(1) if mirror else x
    x = x.flip(0) if upend else x
    return x.transpose(0, 1) if transpose else x


def srgan(g, up):
    batch, base, blocks, scale, crop, weight = 2, 3, 1, 2, 8, 0.3
    resolver_weights(g, scale, 1, base, blocks, up)
    patch_weights(g, "d", 1, base, 1, "none")
    g.adam("adam_g", ["g/"], 1e-3), g.adam("adam_d", ["d/"], 2e-3)
    g.config = {
        "options": {
            "base": base,
            "baseD": base,
            "blocks": blocks,
            "up": up,
            "scale": scale,
            "crop": crop,
            "depthD": 1,
            "spectral": False,
            "turn": True,
            "adversarial": weight,
            "adversarialFrom": 1,
            "beta1": 0.5,
            "rates": {"pixel": 1e-3, "g": 1e-3, "d": 2e-3},
        },
        "batch": batch,
        "shape": [10, 13, 1],
    }
    yield
    places = [([0, 2], [5, 3]), ([1, 0], [0, 2])]
    turns = [[(1, 0, 0), (0, 1, 1)], [(0, 0, 1), (1, 1, 0)]]  # mirror, upend, transpose, of each picture
    pixels = []  # of both runs: the test takes the mean of a scalar over the runs of an iteration
    for phase, (top, left), ways in zip(("pixel", "game"), places, turns):
        x = g.picture(batch, 10, 13, 1)
        coins = {n: torch.tensor([float(w[i]) for w in ways]) for i, n in enumerate(("mirror", "upend", "transpose"))}
        g.feed(phase, image=x, top=torch.tensor(top), left=torch.tensor(left), **coins)
        truth = torch.stack(
            [turned(x[i, t : t + crop, l : l + crop], *way) for i, (t, l, way) in enumerate(zip(top, left, ways))]
        )
        small = nhwc(F.avg_pool2d(nchw(truth), scale))
        made = resolve(g, small, scale, blocks, up)
        pixel = l1(made, truth)
        pixels.append(pixel.item())
        if phase == "pixel":
            g.descend("adam_g", pixel)
            continue
        judge = lambda picture: patch(g, "d", picture, 1, "none")
        log = F.softplus
        cost = lambda above, below: log(-(above - below.mean())).mean() + log(below - above.mean()).mean()
        real, fake = judge(truth), judge(made.detach())
        loss_d = g.descend("adam_d", cost(real, fake))
        adversarial = cost(judge(made), judge(truth))
        loss_g = g.descend("adam_g", pixel + weight * adversarial)
        g.scalars = {
            "loss_d": loss_d,
            "loss_g": loss_g,
            "pixel": sum(pixels) / len(pixels),
            "adversarial": adversarial.item(),
            "d_real": share(real - fake.mean()),
            "d_fake": share(real.mean() - fake),
        }


if __name__ == "__main__":
    write("srgan", lambda g: srgan(g, "resize"))
    write("srgan-shuffle", lambda g: srgan(g, "shuffle"))
