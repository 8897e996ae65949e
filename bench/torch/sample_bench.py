# Times the PyTorch twin's generator in inference mode. A peer of bench/sample.mjs; runs alone, too.
import itertools
import platform

import torch

import dcgan
import peer

o = peer.arguments()
torch.set_num_threads(o.threads)
torch.manual_seed(1)
layout = torch.channels_last if o.layout == "channels_last" else torch.contiguous_format
g = dcgan.initialise(dcgan.Generator(o.size, o.channels, o.base, o.latent)).eval()
if o.fold:
    g.fold()
g = g.to(memory_format=layout)
feed = itertools.cycle([torch.randn(o.batch, o.latent) for _ in range(8)])


@torch.inference_mode()
def step():
    g(next(feed))


peer.run(step, o, {"python": platform.python_version(), "torch": torch.__version__})
