# Times the PyTorch twin's training step (dcgan.py, games.py: nothing computed that nothing uses). A peer of
# bench/step.mjs; runs alone, too.
import itertools
import platform

import torch

import dcgan
import games
import peer

o = peer.arguments()
torch.set_num_threads(o.threads)
torch.manual_seed(1)
layout = torch.channels_last if o.layout == "channels_last" else torch.contiguous_format
if o.network in games.GAMES:
    game = games.GAMES[o.network](o, layout)
    g, d, train = game.g, game.d, game
    batches = [(games.batch_of(o, layout),) for _ in range(8)]
else:
    if o.network == "mlp":
        g, d = dcgan.MlpGenerator(o.latent, 400, o.size), dcgan.MlpDiscriminator(200, o.size)
        real = lambda: torch.rand(o.batch, o.size) * 2 - 1
    else:
        g = dcgan.initialise(dcgan.Generator(o.size, o.channels, o.base, o.latent)).to(memory_format=layout)
        d = dcgan.initialise(dcgan.Discriminator(o.size, o.channels, o.base, o.pool)).to(memory_format=layout)
        real = lambda: (torch.rand(o.batch, o.channels, o.size, o.size) * 2 - 1).to(memory_format=layout)
    train = dcgan.Step(g, d)
    # eight batches made beforehand: reading data is no part of a step on either side
    batches = [(real(), torch.randn(o.batch, o.latent)) for _ in range(8)]
feed = itertools.cycle(batches)


def step():
    loss_d, loss_g = train(*next(feed))
    loss_d.item(), loss_g.item()


parameters = sum(p.numel() for net in (g, d) for p in net.parameters())
versions = {"python": platform.python_version(), "torch": torch.__version__}
peer.run(step, o, versions, about={"parameters": parameters})
