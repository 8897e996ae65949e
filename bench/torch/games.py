# PyTorch twins of Forja's other games, for benchmarks only: the same layers, losses, optimizer and order of updates as
# packages/trainer/src/systems and models. Layers have the names of ours. `GAMES` lists them; an instance is called with
# a batch and plays one iteration, with the generator's average. Nothing is computed that nothing uses.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

import dcgan

WIDEST = 128
STYLE = 128
DEPTH = 4


def double(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def halve(x):
    return F.avg_pool2d(x, 2)


def slopes(logits, x):
    """The gradients of the logits at the pictures x, to be differentiated again."""
    return torch.autograd.grad(logits.sum(), x, create_graph=True)[0].flatten(1)


class Players(nn.Module):
    """What the games share: Adam and gradients of each player, and the average of the generator's weights."""

    def __init__(self, g, d, rates, betas, layout, decay=0.999):
        super().__init__()
        self.g, self.d, self.decay = g.to(memory_format=layout), d.to(memory_format=layout), decay
        self.adam_g = torch.optim.Adam(g.parameters(), rates[0], betas, 1e-8)
        self.adam_d = torch.optim.Adam(d.parameters(), rates[1], betas, 1e-8)
        self.average = [p.detach().clone() for p in g.parameters()]

    def descend_d(self, loss):
        self.adam_d.zero_grad(set_to_none=True)
        loss.backward()
        self.adam_d.step()
        return loss.detach()

    def descend_g(self, objective):
        """`objective` is called while D's weights take no gradient."""
        self.d.requires_grad_(False)
        loss = objective()
        self.adam_g.zero_grad(set_to_none=True)
        loss.backward()
        self.adam_g.step()
        self.d.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.g.parameters()), 1 - self.decay)
        return loss.detach()


def widths_of(size, base):
    """Channels of a residual network's maps, from the largest down."""
    return [min(WIDEST, base << i) for i in range(len(dcgan.conv_sizes(size)))]


class ResidualGenerator(nn.Module):
    def __init__(self, size, channels, base, latent):
        super().__init__()
        widths = widths_of(size, base)[::-1]
        self.small, self.count = dcgan.conv_sizes(size)[-1], len(widths)
        self.dense = nn.Linear(latent, self.small**2 * widths[0])
        for i, (a, b) in enumerate(zip([widths[0], *widths], widths)):
            self.add_module(f"block{i}_a_norm", dcgan.norm(a))
            self.add_module(f"block{i}_a", nn.Conv2d(a, b, 3, padding=1, bias=False))
            self.add_module(f"block{i}_b_norm", dcgan.norm(b))
            self.add_module(f"block{i}_b", nn.Conv2d(b, b, 3, padding=1, bias=False))
            self.add_module(f"block{i}_skip", nn.Conv2d(a, b, 1, bias=False))
        self.last_norm = dcgan.norm(widths[-1])
        self.last = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, z):
        x = self.dense(z).view(len(z), self.small, self.small, -1).permute(0, 3, 1, 2)
        for i in range(self.count):
            of = lambda part: self.get_submodule(f"block{i}_{part}")
            y = of("a")(double(F.relu(of("a_norm")(x))))
            y = of("b")(F.relu(of("b_norm")(y)))
            x = double(of("skip")(x)) + y
        return torch.tanh(self.last(F.relu(self.last_norm(x))))


class ResidualDiscriminator(nn.Module):
    """All layers spectrally normalised by torch's own: a round of power iteration in every call."""

    def __init__(self, size, channels, base):
        super().__init__()
        widths = widths_of(size, base)
        self.count = len(widths)
        for i, (a, b) in enumerate(zip([channels, *widths], widths)):
            self.add_module(f"block{i}_a", spectral_norm(nn.Conv2d(a, b, 3, padding=1)))
            self.add_module(f"block{i}_b", spectral_norm(nn.Conv2d(b, b, 3, padding=1)))
            self.add_module(f"block{i}_skip", spectral_norm(nn.Conv2d(a, b, 1)))
        self.last = spectral_norm(nn.Conv2d(widths[-1], widths[-1], 3, padding=1))
        self.dense = spectral_norm(nn.Linear(widths[-1], 1))

    def forward(self, x):
        for i in range(self.count):
            of = lambda part: self.get_submodule(f"block{i}_{part}")
            y = of("b")(F.relu(of("a")(F.relu(x) if i else x)))
            x = halve(y) + of("skip")(halve(x))
        return self.dense(F.relu(self.last(x)).sum((2, 3)))


class Sngan(Players):
    """SNGAN: hinge loss, spectral norm in D."""

    def __init__(self, o, layout):
        g = ResidualGenerator(o.size, o.channels, o.base, o.latent)
        super().__init__(g, ResidualDiscriminator(o.size, o.channels, o.base), (2e-4, 4e-4), (0.0, 0.9), layout)

    def forward(self, batch):
        real, z = batch["real"], batch["z"]
        fake = self.g(z)
        loss_d = F.relu(1 - self.d(real)).mean() + F.relu(1 + self.d(fake.detach())).mean()
        return self.descend_d(loss_d), self.descend_g(lambda: -self.d(fake).mean())


class Critic(nn.Module):
    """DCGAN's discriminator without norms."""

    def __init__(self, size, channels, base):
        super().__init__()
        maps = dcgan.conv_sizes(size)
        widths = [channels] + [base << i for i in range(len(maps))]
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 4, 2, 1) for a, b in zip(widths, widths[1:])])
        self.dense = nn.Linear(maps[-1] ** 2 * widths[-1], 1)

    def forward(self, x):
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.2)
        return self.dense(x.permute(0, 2, 3, 1).flatten(1))


class WganGp(Players):
    """WGAN-GP: an iteration is five runs of the critic, each with a batch of its own, and one of the generator."""

    def __init__(self, o, layout):
        g, d = dcgan.Generator(o.size, o.channels, o.base, o.latent), Critic(o.size, o.channels, o.base)
        super().__init__(dcgan.initialise(g), dcgan.initialise(d), (1e-4, 1e-4), (0.0, 0.9), layout)

    def forward(self, batch):
        for _ in range(5):
            loss_d = self.critic(batch["real"], batch["z"])
        return loss_d, self.descend_g(lambda: -self.d(self.g(batch["z"])).mean())

    def critic(self, real, z):
        with torch.no_grad():
            fake = self.g(z)
        mixed = fake.lerp(real, torch.rand(len(real), 1, 1, 1)).requires_grad_()
        penalty = ((slopes(self.d(mixed), mixed).square().sum(1) + 1e-12).sqrt() - 1).square().mean()
        return self.descend_d(self.d(fake).mean() - self.d(real).mean() + 10 * penalty)


class RpGan(Players):
    """RpGAN with R1 and R2 in every iteration, on DCGAN's networks without norms in D."""

    def __init__(self, o, layout):
        g, d = dcgan.Generator(o.size, o.channels, o.base, o.latent), Critic(o.size, o.channels, o.base)
        super().__init__(dcgan.initialise(g), dcgan.initialise(d), (1e-4, 1e-4), (0.0, 0.9), layout)

    def forward(self, batch):
        fake = self.g(batch["z"])
        seen = [x.detach().requires_grad_() for x in (batch["real"], fake)]
        on_real, on_fake = [self.d(x) for x in seen]
        squares = [slopes(logits, x).square().sum(1).mean() for logits, x in zip((on_real, on_fake), seen)]
        loss_d = self.descend_d(F.softplus(on_fake - on_real).mean() + 0.05 * (squares[0] + squares[1]))

        def objective():
            return F.softplus(self.d(batch["real"]) - self.d(fake)).mean()

        return loss_d, self.descend_g(objective)


class Unet(nn.Module):
    def __init__(self, depth, channels, base):
        super().__init__()
        self.depth, widths = depth, [base * min(2**i, 8) for i in range(depth)]
        norm = lambda width: nn.InstanceNorm2d(width, eps=1e-5)
        for i, (a, b) in enumerate(zip([channels, *widths], widths)):
            ends = i in (0, depth - 1)
            self.add_module(f"down{i}", nn.Conv2d(a, b, 4, 2, 1, bias=ends))
            self.add_module(f"down{i}_norm", nn.Identity() if ends else norm(b))
        for i in range(depth - 1, 0, -1):
            inside = widths[i] * (1 if i == depth - 1 else 2)
            self.add_module(f"up{i}", nn.Conv2d(inside, widths[i - 1], 3, padding=1, bias=False))
            self.add_module(f"up{i}_norm", norm(widths[i - 1]))
        self.up0 = nn.Conv2d(2 * widths[0] if depth > 1 else widths[0], channels, 3, padding=1)

    def forward(self, x):
        of, skips = self.get_submodule, []
        for i in range(self.depth):
            x = F.leaky_relu(of(f"down{i}_norm")(of(f"down{i}")(x)), 0.2)
            skips.append(x)
        for i in range(self.depth - 1, 0, -1):
            x = torch.cat([F.relu(of(f"up{i}_norm")(of(f"up{i}")(double(x)))), skips[i - 1]], 1)
        return torch.tanh(self.up0(double(x)))


class Patch(nn.Module):
    def __init__(self, depth, channels, base):
        super().__init__()
        self.depth, widths = depth, [base * min(2**i, 8) for i in range(depth + 1)]
        for i, (a, b) in enumerate(zip([channels, *widths], widths)):
            window = dict(stride=2, padding=1) if i < depth else dict(padding="same")
            self.add_module(f"conv{i}", nn.Conv2d(a, b, 4, bias=i == 0, **window))
            self.add_module(f"conv{i}_norm", nn.InstanceNorm2d(b, eps=1e-5) if i else nn.Identity())
        self.last = nn.Conv2d(widths[-1], 1, 4, padding="same")

    def forward(self, x):
        of = self.get_submodule
        for i in range(self.depth + 1):
            x = F.leaky_relu(of(f"conv{i}_norm")(of(f"conv{i}")(x)), 0.2)
        return self.last(x)


class Pix2Pix(Players):
    """pix2pix: a U-Net down to two pixels, patches of 34 pixels, cross-entropy and 100 × L1."""

    def __init__(self, o, layout):
        g, d = Unet(int(math.log2(o.size)) - 1, o.channels, o.base), Patch(2, 2 * o.channels, o.base)
        super().__init__(dcgan.initialise(g), dcgan.initialise(d), (2e-4, 2e-4), (0.5, 0.999), layout)

    def forward(self, batch):
        given, target = batch["input"], batch["target"]
        fake = self.g(given)
        judge = lambda picture: self.d(torch.cat([given, picture], 1))
        loss_d = F.softplus(-judge(target)).mean() + F.softplus(judge(fake.detach())).mean()
        loss_d = self.descend_d(0.5 * loss_d)
        return loss_d, self.descend_g(lambda: F.softplus(-judge(fake)).mean() + 100 * F.l1_loss(fake, target))


class EqualDense(nn.Linear):
    def __init__(self, inside, outside, gain=1.0, rate=1.0, start=0.0):
        super().__init__(inside, outside)
        self.scale, self.rate = gain / math.sqrt(inside) * rate, rate
        nn.init.normal_(self.weight, 0, 1 / rate), nn.init.constant_(self.bias, start)

    def forward(self, x):
        return F.linear(x, self.weight * self.scale, self.bias if self.rate == 1 else self.bias * self.rate)


class EqualConv(nn.Conv2d):
    def __init__(self, inside, outside, size=3, gain=math.sqrt(2), bias=True):
        super().__init__(inside, outside, size, padding=size // 2, bias=bias)
        self.scale = gain / math.sqrt(inside * size * size)
        nn.init.normal_(self.weight)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class Modulated(nn.Module):
    """A convolution that scales pictures before and after, as the authors' code does in training: one convolution
    for the whole batch instead of a grouped one."""

    def __init__(self, inside, outside, size, demodulate, upscale=False):
        super().__init__()
        self.affine = EqualDense(STYLE, inside, start=1.0)
        self.weight = nn.Parameter(torch.randn(outside, inside, size, size))
        self.scale = 1 / math.sqrt(inside * size * size)
        self.demodulate, self.upscale = demodulate, upscale

    def forward(self, x, w):
        style, kernel = self.affine(w), self.weight * self.scale
        x = x * style[:, :, None, None]
        y = F.conv2d(double(x) if self.upscale else x, kernel, padding=kernel.shape[2] // 2)
        if not self.demodulate:
            return y
        squares = style.square() @ kernel.square().sum((2, 3)).t()
        return y * (torch.rsqrt(squares + 1e-8) * math.sqrt(2))[:, :, None, None]


class Noise(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.strength, self.bias = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(channels))

    def forward(self, x, noise):
        return x + noise.view(len(x), 1, *x.shape[2:]) * self.strength + self.bias[:, None, None]


class Mapping(nn.Module):
    def __init__(self, latent):
        super().__init__()
        dense = lambda i: EqualDense(STYLE if i else latent, STYLE, math.sqrt(2), 0.01)
        self.layers = nn.ModuleList([dense(i) for i in range(DEPTH)])

    def forward(self, z):
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return x


def style_maps(size):
    return [4 << i for i in range(int(math.log2(size)) - 1)]


class Synthesis(nn.Module):
    def __init__(self, size, channels, base):
        super().__init__()
        width = lambda edge: min(WIDEST, base * size // edge)
        self.maps = style_maps(size)
        self.start = nn.Parameter(torch.randn(1, width(4), 4, 4))
        for edge in self.maps:
            for i in (1,) if edge == 4 else (0, 1):
                inside = width(edge // 2) if i == 0 else width(edge)
                self.add_module(f"conv{edge}_{i}", Modulated(inside, width(edge), 3, True, i == 0))
                self.add_module(f"conv{edge}_{i}_noise", Noise(width(edge)))
            self.add_module(f"picture{edge}", Modulated(width(edge), channels, 1, False))
            self.register_parameter(f"picture{edge}_bias", nn.Parameter(torch.zeros(channels)))

    def forward(self, styles, noise):
        x, picture, layer, at = self.start.expand(len(styles), -1, -1, -1), None, 0, 0
        for edge in self.maps:
            for i in (1,) if edge == 4 else (0, 1):
                x = self.get_submodule(f"conv{edge}_{i}")(x, styles[:, layer])
                x = self.get_submodule(f"conv{edge}_{i}_noise")(x, noise[:, at : at + edge * edge])
                x = F.leaky_relu(x, 0.2)
                layer, at = layer + 1, at + edge * edge
            own = self.get_submodule(f"picture{edge}")(x, styles[:, layer])
            own = own + self.get_parameter(f"picture{edge}_bias")[:, None, None]
            picture = own if picture is None else own + F.interpolate(picture, scale_factor=2, mode="bilinear")
        return picture


class StyleDiscriminator(nn.Module):
    def __init__(self, size, channels, base, group):
        super().__init__()
        width = lambda edge: min(WIDEST, base * size // edge)
        self.maps, self.group = style_maps(size)[:0:-1], group
        self.picture = EqualConv(channels, width(size), 1)
        for edge in self.maps:
            a, b = width(edge), width(edge // 2)
            self.add_module(f"block{edge}_a", EqualConv(a, a))
            self.add_module(f"block{edge}_b", EqualConv(a, b, gain=1.0))
            self.add_module(f"block{edge}_skip", EqualConv(a, b, 1, math.sqrt(0.5), bias=False))
        self.last = EqualConv(width(4) + 1, width(4))
        self.dense0, self.dense1 = EqualDense(16 * width(4), width(4), math.sqrt(2)), EqualDense(width(4), 1)

    def forward(self, x):
        leaky = lambda y: F.leaky_relu(y, 0.2)
        x = leaky(self.picture(x))
        for edge in self.maps:
            of = lambda part: self.get_submodule(f"block{edge}_{part}")
            a = leaky(of("b")(halve(leaky(of("a")(x)))))
            x = a + of("skip")(halve(x))
        n, _, h, w = x.shape
        groups = x.reshape(self.group, n // self.group, -1)
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean(1).repeat(self.group)
        x = leaky(self.last(torch.cat([x, deviation[:, None, None, None].expand(n, 1, h, w)], 1)))
        return self.dense1(leaky(self.dense0(x.permute(0, 2, 3, 1).flatten(1))))


class StyleGenerator(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.mapping, self.synthesis = Mapping(o.latent), Synthesis(o.size, o.channels, o.base)


class StyleGan(Players):
    """StyleGAN2: styles of two latents, noise, the running mean of w. Without the lazy phases, R1 and path length."""

    def __init__(self, o, layout):
        d = StyleDiscriminator(o.size, o.channels, o.base, 4)
        super().__init__(StyleGenerator(o), d, (2e-3, 2e-3), (0.0, 0.99), layout)
        self.layers, self.mean_w = torch.arange(2 * len(style_maps(o.size))), torch.zeros(STYLE)

    def forward(self, batch):
        w, other = self.g.mapping(batch["z"]), self.g.mapping(batch["z_mix"])
        self.mean_w.lerp_(w.detach().mean(0), 0.002)
        start = batch["crossing"] + (1 - batch["mixes"]) * len(self.layers)
        styles = torch.where((self.layers >= start[:, None])[:, :, None], other[:, None], w[:, None])
        fake = self.g.synthesis(styles, batch["noise"])
        loss_d = F.softplus(-self.d(batch["real"])).mean() + F.softplus(self.d(fake.detach())).mean()
        return self.descend_d(loss_d), self.descend_g(lambda: F.softplus(-self.d(fake)).mean())


def batch_of(o, layout):
    """Inputs of an iteration, made beforehand as on the other side."""
    picture = lambda: (torch.rand(o.batch, o.channels, o.size, o.size) * 2 - 1).to(memory_format=layout)
    if o.network == "pix2pix":
        return {"input": picture(), "target": picture()}
    made = {"real": picture(), "z": torch.randn(o.batch, o.latent)}
    if o.network == "stylegan":
        edges = style_maps(o.size)
        made["z_mix"] = torch.randn(o.batch, o.latent)
        made["crossing"] = torch.randint(1, 2 * len(edges), (o.batch,))
        made["mixes"] = torch.bernoulli(torch.full((o.batch,), 0.9))
        made["noise"] = torch.randn(o.batch, sum((1 if e == 4 else 2) * e * e for e in edges))
    return made


GAMES = {"sngan": Sngan, "wgan-gp": WganGp, "rpgan": RpGan, "pix2pix": Pix2Pix, "stylegan": StyleGan}
