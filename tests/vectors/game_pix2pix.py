# pix2pix (Isola et al. 2017): U-Net, patch discriminator, cross-entropy + 100·L1. The generator runs once, D is updated first, its loss is halved.
# Run: python tests/vectors/game_pix2pix.py   → game-pix2pix.json here.
import torch
from game import batch_norm, bce, conv, conv_transpose, l1, leaky, patch, patch_weights, relu, share, write


def unet_weights(g, widths, input, output):
    channels = [input, *widths]
    for i, width in enumerate(widths):
        g.add(f"g/down{i}/kernel", 4, 4, channels[i], width)
        if i in (0, len(widths) - 1):
            g.add(f"g/down{i}/bias", width)
        else:
            g.add(f"g/down{i}_norm/gamma", width), g.add(f"g/down{i}_norm/beta", width), g.statistics(f"g/down{i}_norm", width)
    for i in range(len(widths) - 1, -1, -1):
        outer = output if i == 0 else widths[i - 1]
        inner = widths[i] * (1 if i == len(widths) - 1 else 2)
        g.add(f"g/up{i}/kernel", 4, 4, outer, inner)
        if i == 0:
            g.add("g/up0/bias", outer)
        else:
            g.add(f"g/up{i}_norm/gamma", outer), g.add(f"g/up{i}_norm/beta", outer), g.statistics(f"g/up{i}_norm", outer)


def unet(g, x, depth):
    skips = []
    for i in range(depth):
        x = conv(g, f"g/down{i}", x, 2)
        x = leaky(x if i in (0, depth - 1) else batch_norm(g, f"g/down{i}_norm", x))
        skips.append(x)
    for i in range(depth - 1, 0, -1):
        x = torch.cat([relu(batch_norm(g, f"g/up{i}_norm", conv_transpose(g, f"g/up{i}", x))), skips[i - 1]], -1)
    return torch.tanh(conv_transpose(g, "g/up0", x))


def pix2pix(g):
    batch, base, depth = 2, 3, 3
    unet_weights(g, [base, 2 * base, 4 * base], 1, 2)
    patch_weights(g, "d", 3, base, 1, "batch")
    g.adam("adam_g", ["g/"], 2e-3), g.adam("adam_d", ["d/"], 1e-3)
    g.config = {"options": {"base": base, "baseD": base, "depth": depth, "depthD": 1, "norm": "batch", "up": "transposed", "rates": {"g": 2e-3, "d": 1e-3}},
                "batch": batch, "input": [8, 16, 1], "target": [8, 16, 2]}
    yield
    x, y = g.feed("game", input=g.picture(batch, 8, 16, 1), target=g.picture(batch, 8, 16, 2))
    fake = unet(g, x, depth)
    judge = lambda picture: patch(g, "d", torch.cat([x, picture], -1), 1, "batch")
    real, false = judge(y), judge(fake.detach())
    loss_d = g.descend("adam_d", 0.5 * (bce(real, 1) + bce(false, 0)))
    distance = l1(fake, y)
    loss_g = g.descend("adam_g", bce(judge(fake), 1) + 100 * distance)
    g.scalars = {"loss_d": loss_d, "loss_g": loss_g, "l1": distance.item(), "d_real": share(real), "d_fake": share(-false)}


if __name__ == "__main__":
    write("pix2pix", pix2pix)
