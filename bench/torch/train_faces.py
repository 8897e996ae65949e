# Trains the PyTorch twin of `stylegan` on pictures in a file of raw float32 NHWC and writes samples of its averaged
# generator in the same form. With the lazy phases: R1 every 16 iterations and path length every 8, on shared moments,
# rates and betas corrected (Karras et al. 2020, appendix B).
# Example:  python bench/torch/train_faces.py --pictures faces.f32 --size 32 --steps 2500 --out twin.f32
import argparse
import pathlib
import time

import numpy as np
import torch

import games


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--pictures", type=pathlib.Path, required=True)
    a.add_argument("--size", type=int, default=32)
    a.add_argument("--channels", type=int, default=3)
    a.add_argument("--steps", type=int, default=2500)
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--base", type=int, default=32)
    a.add_argument("--widest", type=int, default=64)
    a.add_argument("--latent", type=int, default=128)
    a.add_argument("--r1", type=float, default=0.1)
    a.add_argument("--path", type=float, default=2)
    a.add_argument("--ema", type=float, default=0.999)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--samples", type=int, default=640)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--out", type=pathlib.Path, required=True)
    return a.parse_args()


R1_EVERY, PATH_EVERY = 16, 8


class Trained(games.StyleGan):
    """The twin with its lazy phases."""

    def __init__(self, o):
        super().__init__(o, torch.channels_last)
        self.o, self.mean_length = o, torch.zeros(())
        part_g, part_d = PATH_EVERY / (PATH_EVERY + 1), R1_EVERY / (R1_EVERY + 1)
        adam = lambda of, part: torch.optim.Adam(of.parameters(), 2e-3 * part, (0.0, 0.99**part), 1e-8)
        self.adam_g, self.adam_d = adam(self.g, part_g), adam(self.d, part_d)

    def r1(self, real):
        real.requires_grad_(True)
        squares = games.slopes(self.d(real), real).square().sum(1).mean()
        self.descend_d(self.o.r1 * R1_EVERY * 0.5 * squares)

    def path(self, z, noise, direction):
        w = self.g.mapping(z)[:, None].expand(-1, len(self.layers), -1)
        picture = self.g.synthesis(w, noise)
        (slope,) = torch.autograd.grad((picture * direction / self.o.size).sum(), w, create_graph=True)
        lengths = (slope.square().sum(2).mean(1) + 1e-12).sqrt()
        moved = self.mean_length.lerp(lengths.mean(), 0.01)
        self.adam_g.zero_grad(set_to_none=True)
        (self.o.path * PATH_EVERY * (lengths - moved).square().mean()).backward()
        self.adam_g.step()
        self.mean_length = moved.detach()


@torch.no_grad()
def samples(game, o):
    for p, average in zip(game.g.parameters(), game.average):
        p.copy_(average)
    made = []
    for _ in range(0, o.samples, 64):
        batch = games.batch_of(argparse.Namespace(**{**vars(o), "batch": 64}), torch.channels_last)
        styles = game.g.mapping(batch["z"])[:, None].expand(-1, len(game.layers), -1)
        made.append(game.g.synthesis(styles, batch["noise"]).clamp(-1, 1).permute(0, 2, 3, 1))
    return torch.cat(made)[: o.samples].contiguous().numpy()


def main():
    o = arguments()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    games.WIDEST = o.widest
    real = np.fromfile(o.pictures, "<f4").reshape(-1, o.size, o.size, o.channels)
    real = torch.from_numpy(real).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    o.network = "stylegan"
    game, order, started = Trained(o), torch.empty(0, dtype=torch.long), time.process_time()

    def batch():
        nonlocal order
        if len(order) < o.batch:
            order = torch.randperm(len(real))
        taken, order = order[: o.batch], order[o.batch :]
        return {**games.batch_of(o, torch.channels_last), "real": real[taken]}

    for step in range(o.steps):
        game.decay = min(o.ema, (1 + step) / (10 + step))
        loss_d, loss_g = game(batch())
        if step % R1_EVERY == 0:
            game.r1(batch()["real"])
        if step % PATH_EVERY == 0:
            few = o.batch // 2
            given = batch()
            game.path(given["z"][:few], given["noise"][:few], torch.randn(few, o.channels, o.size, o.size))
        if step % 100 == 0:
            seconds = time.process_time() - started
            print(f"step {step}: loss_d {loss_d:.3f}, loss_g {loss_g:.3f}, CPU {seconds:.0f} s", flush=True)
    samples(game, o).astype("<f4").tofile(o.out)
    print(f"CPU {time.process_time() - started:.1f} s, path length {game.mean_length:.4f}")


if __name__ == "__main__":
    main()
