# The PyTorch twin on CUDA, beside bench/gpu.mjs: pictures at the same batches in float32 (with and without TF32) and
# half precision, left on the card or brought back; then the training step. A finding is a line of JSON.
import argparse
import json
import time

import torch

import dcgan

a = argparse.ArgumentParser()
a.add_argument("--device", default="cuda")
a.add_argument("--base", type=int, default=64)
a.add_argument("--batches", default="1,4,16,64,256")
a.add_argument("--step-base", type=int, default=64)
a.add_argument("--step-batch", type=int, default=64)
a.add_argument("--seconds", type=float, default=1)
o = a.parse_args()
say = lambda **finding: print(json.dumps(finding), flush=True)
wait = torch.cuda.synchronize if o.device == "cuda" else lambda: None


def timed(step, least=5, warmup=5):
    for _ in range(warmup):
        step()
    wait()
    wall, end = [], time.perf_counter() + o.seconds
    while len(wall) < least or time.perf_counter() < end:
        t = time.perf_counter()
        step()
        wait()
        wall.append((time.perf_counter() - t) * 1e3)
    wall.sort()
    return {"runs": len(wall), "ms": wall[len(wall) // 2], "min": wall[0], "p90": wall[int(len(wall) * 0.9)]}


torch.manual_seed(1)
say(
    torch=torch.__version__,
    cuda=torch.version.cuda,
    device=torch.cuda.get_device_name() if o.device == "cuda" else "cpu",
)
g = dcgan.initialise(dcgan.Generator(64, 3, o.base, 100)).eval().fold().to(o.device)
modes = [("fp32", False, g), ("tf32", True, g)] if o.device == "cuda" else [("fp32", False, g)]
for name, tf32, net in modes + ([("fp16", True, None)] if o.device == "cuda" else []):
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    net = net if net is not None else g.half()
    dtype = torch.float16 if name == "fp16" else torch.float32
    for batch in map(int, o.batches.split(",")):
        z = torch.randn(batch, 100)
        with torch.inference_mode():
            there = z.to(o.device, dtype)
            say(precision=name, batch=batch, stay=True, **timed(lambda: net(there)))
            say(precision=name, batch=batch, stay=False, **timed(lambda: net(z.to(o.device, dtype)).float().cpu()))
for tf32 in [False, True] if o.device == "cuda" else [False]:
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    g = dcgan.initialise(dcgan.Generator(28, 1, o.step_base, 100)).to(o.device)
    d = dcgan.initialise(dcgan.Discriminator(28, 1, o.step_base)).to(o.device)
    train = dcgan.Step(g, d)
    real, z = (torch.rand(o.step_batch, 1, 28, 28) * 2 - 1), torch.randn(o.step_batch, 100)

    def step():
        loss_d, loss_g = train(real.to(o.device), z.to(o.device))
        loss_d.item(), loss_g.item()

    say(step="tf32" if tf32 else "fp32", **timed(step, least=3))
if o.device == "cuda":
    say(memory_mib=torch.cuda.max_memory_allocated() / 2**20)
