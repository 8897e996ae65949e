# The Python side of a bench peer: waits for {"seconds": s} lines on stdin, runs steps for so long, answers with one JSON line of timings.
# Without --serve it runs --blocks blocks by itself. Parent side: bench/lib/peer.mjs.
import argparse
import json
import resource
import sys
import time


def cpu_ms():
    """User and system time of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e3


def block(step, seconds, least=3):
    """Runs `step` for `seconds` (at least `least` times): {"wall_ms": one number a run, "cpu_ms": mean of all runs, "peak_mib": of the process so far}."""
    wall, cpu, end = [], cpu_ms(), time.perf_counter() + seconds
    while len(wall) < least or time.perf_counter() < end:
        t = time.perf_counter()
        step()
        wall.append((time.perf_counter() - t) * 1e3)
    return {"wall_ms": [round(w, 4) for w in wall], "cpu_ms": round((cpu_ms() - cpu) / len(wall), 4),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--network", default="dcgan", help="dcgan, mlp or a game of games.py")
    a.add_argument("--pool", choices=["avg", "max"])
    a.add_argument("--size", type=int, default=32)
    a.add_argument("--channels", type=int, default=3)
    a.add_argument("--base", type=int, default=64)
    a.add_argument("--batch", type=int, default=64)
    a.add_argument("--latent", type=int, default=100)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--layout", choices=["default", "channels_last"], default="default")
    a.add_argument("--fold", action="store_true", help="sampling: fold batch norm into the layers before it")
    a.add_argument("--blocks", type=int, default=5)
    a.add_argument("--seconds", type=float, default=3)
    a.add_argument("--serve", action="store_true")
    return a.parse_args()


def run(step, options, versions, warmup=5, about=None):
    """Warms up, says {"ready": …} with what else there is to say (`about`), then serves blocks."""
    for _ in range(warmup):
        step()
    print(json.dumps({"ready": True, "versions": versions, "about": about or {}}), flush=True)
    if not options.serve:
        for _ in range(options.blocks):
            print(json.dumps(block(step, options.seconds)), flush=True)
        return
    for line in sys.stdin:
        print(json.dumps(block(step, json.loads(line)["seconds"])), flush=True)
