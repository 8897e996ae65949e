# The PyTorch twin of Forja's DCGAN system: same architecture, initialisation, losses, optimizer and order of updates. Benchmarks and vectors only.
# One known difference: torch's running variance is the unbiased estimate (n / (n - 1)), Keras's and ours the biased one; it only touches inference.
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval


def conv_sizes(size):
    """Feature map sizes of the discriminator, from the picture down to the last map: 28 → 14, 7; 32 → 16, 8, 4; 64 → 32, 16, 8, 4."""
    sizes = []
    while size > 7:
        size //= 2
        sizes.append(size)
    return sizes


def norm(channels):
    """Keras momentum 0.9 is torch momentum 0.1."""
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


class Generator(nn.Module):
    """z [n, latent] → picture [n, channels, size, size] in [-1, 1]. Widths: base at the last hidden map, doubled at each smaller one."""

    def __init__(self, size=28, channels=1, base=64, latent=100):
        super().__init__()
        maps = conv_sizes(size)[::-1]
        widths = [base << i for i in range(len(maps))][::-1]
        self.small, self.width = maps[0], widths[0]
        self.dense = nn.Linear(latent, self.small * self.small * self.width, bias=False)
        self.dense_norm = norm(self.width)
        self.ups = nn.ModuleList([nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in zip(widths, widths[1:])])
        self.norms = nn.ModuleList([norm(b) for b in widths[1:]])
        self.last = nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)

    def forward(self, z):
        # Keras reshapes the dense output to NHWC; the weights are exported with that order in mind (see tests/vectors)
        x = self.dense(z).view(len(z), self.small, self.small, self.width).permute(0, 3, 1, 2)
        x = F.relu(self.dense_norm(x))
        for up, up_norm in zip(self.ups, self.norms):
            x = F.relu(up_norm(up(x)))
        return torch.tanh(self.last(x))

    def fold(self):
        """For inference: batch norms into the transposed convolutions before them, as our exporter does. The one after the dense layer stays."""
        for i, (up, up_norm) in enumerate(zip(self.ups, self.norms)):
            self.ups[i], self.norms[i] = fuse_conv_bn_eval(up, up_norm, transpose=True), nn.Identity()
        return self


class Discriminator(nn.Module):
    """Picture → logit [n, 1]. `pool` None: convolutions of kernel 4 and stride 2; 'avg' or 'max': kernel 3, stride 1, then pooling by 2."""

    def __init__(self, size=28, channels=1, base=64, pool=None):
        super().__init__()
        maps = conv_sizes(size)
        widths = [channels] + [base << i for i in range(len(maps))]
        kernel = dict(kernel_size=3, stride=1, padding=1) if pool else dict(kernel_size=4, stride=2, padding=1)
        self.convs = nn.ModuleList([nn.Conv2d(a, b, bias=i == 0, **kernel) for i, (a, b) in enumerate(zip(widths, widths[1:]))])
        self.norms = nn.ModuleList([norm(b) for b in widths[2:]])
        self.pool = {None: None, "avg": F.avg_pool2d, "max": F.max_pool2d}[pool]
        self.dense = nn.Linear(maps[-1] ** 2 * widths[-1], 1)

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i:
                x = self.norms[i - 1](x)
            x = F.leaky_relu(x, 0.2)
            if self.pool:
                x = self.pool(x, 2)
        return self.dense(x.permute(0, 2, 3, 1).flatten(1))


class MlpGenerator(nn.Module):
    """z → hidden → hidden → size, ReLU between, linear at the end."""

    def __init__(self, latent=2, hidden=400, size=2):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in ((latent, hidden), (hidden, hidden), (hidden, size))])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class MlpDiscriminator(MlpGenerator):
    """point → hidden → hidden → logit."""

    def __init__(self, hidden=200, size=2):
        super().__init__(size, hidden, 1)


def initialise(model, std=0.02):
    """DCGAN: weights of convolutions and dense layers from N(0, 0.02), biases 0, batch norm scale 1 and offset 0."""
    for m in model.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(m.weight, 0, std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
    return model


class Step:
    """One training step: D on real and fake as two passes (each with its own batch statistics), then G through the *updated* D.
    The generator runs once; no gradient is computed that nothing uses.
    Non-saturating binary cross-entropy on logits, Adam(0.5, 0.999).
    r1: weight γ of γ/2 · E‖∇D(real)‖²."""

    def __init__(self, g, d, rate_g=2e-4, rate_d=2e-4, decay=0.999, adam=None, r1=0):
        self.g, self.d, self.decay, self.r1 = g, d, decay, r1
        options = dict(betas=(0.5, 0.999), eps=1e-8) | (adam or {})
        self.adam_g = torch.optim.Adam(g.parameters(), rate_g, **options)
        self.adam_d = torch.optim.Adam(d.parameters(), rate_d, **options)
        self.average = [p.detach().clone() for p in g.parameters()]

    def __call__(self, real, z):
        """real [n, c, h, w], z [n, latent] → (loss of D, loss of G) as tensors."""
        fake = self.g(z)
        self.d.requires_grad_(True)
        if self.r1:
            real = real.detach().requires_grad_()
        on_real, on_fake = self.d(real), self.d(fake.detach())
        loss_d = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        if self.r1:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            loss_d = loss_d + self.r1 / 2 * slope.square().sum((1, 2, 3)).mean()
        self.adam_d.zero_grad(set_to_none=True)
        loss_d.backward()
        self.adam_d.step()

        self.d.requires_grad_(False)
        loss_g = F.softplus(-self.d(fake)).mean()
        self.adam_g.zero_grad(set_to_none=True)
        loss_g.backward()
        self.adam_g.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.g.parameters()), 1 - self.decay)
        return loss_d.detach(), loss_g.detach()

    def swap(self):
        """Exchanges the generator's weights and their moving average."""
        for a, p in zip(self.average, self.g.parameters()):
            p.data, a.data = a.data, p.data
