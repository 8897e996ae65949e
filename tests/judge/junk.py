# The eleventh class of the judge, "not a digit": families of junk made from digits or from noise, as torch functions of a batch.
# Every family takes (digits float32 [n, 1, 28, 28] in [-1, 1], labels [n]) and returns junk of that shape. It uses torch's global generator.
import torch
import torch.nn.functional as F


def uniform(n, low, high):
    return low + (high - low) * torch.rand(n, 1, 1, 1)


def blur(x, sigma):
    """Gaussian blur with one sigma (pixels) for each image: a depthwise product with per-image 1-d kernels."""
    n = x.shape[0]
    t = torch.arange(-9, 10, dtype=x.dtype)
    k = torch.exp(-0.5 * (t / sigma.view(n, 1)) ** 2)
    k = k / k.sum(1, keepdim=True)
    y = F.pad(x.view(1, n, 28, 28), (9, 9, 0, 0), mode="replicate")
    y = F.conv2d(y, k.view(n, 1, 1, 19), groups=n)
    y = F.pad(y, (0, 0, 9, 9), mode="replicate")
    return F.conv2d(y, k.view(n, 1, 19, 1), groups=n).view(n, 1, 28, 28)


def stretch(x):
    """Each image scaled so that it spans [-1, 1]: blurred noise keeps full contrast."""
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    return (x - low) / (high - low).clamp(min=1e-6) * 2 - 1


def partners(x, labels):
    """For each image another one of the batch with a different label (itself where there is none nearby)."""
    other = torch.randperm(len(labels))
    for shift in (1, 2, 3, 5, 7):
        same = labels[other] == labels
        other = torch.where(same, other.roll(shift), other)
    return x[other], labels[other] != labels


def noise_uniform(x, _):
    n = len(x)
    y = torch.rand_like(x) * 2 - 1
    return (y * uniform(n, 0.1, 1) + uniform(n, -1, 1)).clamp(-1, 1)


def noise_gaussian(x, _):
    n = len(x)
    return (torch.randn_like(x) * uniform(n, 0.05, 1) + uniform(n, -1, 1)).clamp(-1, 1)


def noise_blurred(x, _):
    n = len(x)
    y = stretch(blur(torch.randn_like(x), uniform(n, 0.5, 4)))
    return (y * uniform(n, 0.5, 3) + uniform(n, -1.5, 0.5)).clamp(-1, 1)


def noise_sparse(x, _):
    """Few bright blobs or specks on a dark ground: noise with a digit's histogram."""
    n = len(x)
    y = stretch(blur(torch.randn_like(x), uniform(n, 0.3, 2.5)))
    return ((y - uniform(n, 0.1, 0.6)) * uniform(n, 2, 8)).clamp(-1, 1)


def pixels_shuffled(x, _):
    n = len(x)
    order = torch.rand(n, 784).argsort(1)
    return x.view(n, 784).gather(1, order).view_as(x)


def blurred(x, _):
    y = blur(x, uniform(len(x), 2.2, 5))
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, y, stretch(y))


def rows_shuffled(x, _):
    order = torch.rand(len(x), 28).argsort(1)
    return x.gather(2, order.view(-1, 1, 28, 1).expand_as(x))


def columns_shuffled(x, labels):
    return rows_shuffled(x.transpose(2, 3).contiguous(), labels).transpose(2, 3)


def patches_shuffled(x, _):
    """2×2, 4×4 or 7×7 grid of patches, in random order."""
    out = []
    for part, cells in zip(x.chunk(3), (2, 4, 7)):
        n, size = len(part), 28 // cells
        p = part.view(n, cells, size, cells, size).permute(0, 1, 3, 2, 4).reshape(n, cells * cells, size * size)
        # a random rotation of a random order: with few cells a plain permutation is often nearly the identity
        order = torch.rand(n, cells * cells).argsort(1)
        target = torch.empty_like(order).scatter_(1, order, order.roll(1, 1))
        p = p.gather(1, target.unsqueeze(2).expand_as(p))
        out.append(p.view(n, cells, cells, size, size).permute(0, 1, 3, 2, 4).reshape(n, 1, 28, 28))
    return torch.cat(out)


def averaged(x, labels):
    """Two digits of different classes, mixed 35-65 %, at their own or at full contrast."""
    other, _ = partners(x, labels)
    w = uniform(len(x), 0.35, 0.65)
    y = w * x + (1 - w) * other
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, y, stretch(y))


def overlaid(x, labels):
    """The brighter of two digits of different classes, the second shifted."""
    other, _ = partners(x, labels)
    dx, dy = torch.randint(-4, 5, (2,)).tolist()
    return torch.maximum(x, other.roll((dy, dx), (2, 3)))


def spliced(x, labels):
    """Left or top half of one digit, the rest of another of a different class, misaligned by 3-6 pixels."""
    other, _ = partners(x, labels)
    shift = int(torch.randint(3, 7, ())) * (1 if torch.rand(()) < 0.5 else -1)
    a = torch.cat([x[..., :14], other.roll(shift, 2)[..., 14:]], 3)
    b = torch.cat([x[..., :14, :], other.roll(shift, 3)[..., 14:, :]], 2)
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, a, b)


def inverted(x, _):
    return -x * uniform(len(x), 0.6, 1)


def constant(x, _):
    return uniform(len(x), -1, 1).expand_as(x).clone()


def erased(x, _):
    """Half or more of the ink gone: the picture kept only on one side of a random line through the middle."""
    n = len(x)
    angle = torch.rand(n, 1, 1, 1) * 6.2832
    t = torch.arange(28.0) - 13.5
    side = t.view(1, 1, 28, 1) * torch.sin(angle) + t.view(1, 1, 1, 28) * torch.cos(angle)
    return torch.where(side > uniform(n, 0, 3), x, torch.full_like(x, -1))


def strokes(x, _):
    """Fragments: the digit seen through two small windows."""
    n = len(x)
    t = torch.arange(28.0)
    keep = torch.zeros_like(x, dtype=torch.bool)
    for _i in range(2):
        cy, cx, r = uniform(n, 6, 22), uniform(n, 6, 22), uniform(n, 2, 4.5)
        keep |= ((t.view(1, 1, 28, 1) - cy) ** 2 + (t.view(1, 1, 1, 28) - cx) ** 2) < r * r
    return torch.where(keep, x, torch.full_like(x, -1))


def faint(x, _):
    return (x + 1) * uniform(len(x), 0.02, 0.25) - 1


def drowned(x, _):
    """A digit under noise so strong that the ground is as bright as the stroke."""
    return (x * uniform(len(x), 0.1, 0.5) + torch.randn_like(x) * uniform(len(x), 0.6, 1.2)).clamp(-1, 1)


FAMILIES = {
    f.__name__: f
    for f in (
        noise_uniform, noise_gaussian, noise_blurred, noise_sparse, pixels_shuffled, blurred, rows_shuffled, columns_shuffled,
        patches_shuffled, averaged, overlaid, spliced, inverted, constant, erased, strokes, faint, drowned,
    )
}
