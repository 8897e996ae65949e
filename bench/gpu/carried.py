# Unpacks what bench/gpu-pack.mjs packed, beside this file, finds the card's Vulkan driver and CUDA's libraries, and
# runs bench:gpu there. `carried.py --out <folder> [--to <folder>] [--minutes 6] [further flags of bench/gpu.mjs]`.
# Python 3 and Linux x64; no network.
import argparse
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time

a = argparse.ArgumentParser()
a.add_argument("--out", required=True)
a.add_argument("--to", default="/tmp/forja-gpu")
a.add_argument("--minutes", type=float, default=6)
a.add_argument("--devices", default="")
o, more = a.parse_known_args()
here = os.path.dirname(os.path.abspath(__file__))
begun = time.time()
os.makedirs(o.out, exist_ok=True)


def unpack(name):
    target = os.path.join(o.to, "host" if name == "cuda-host" else "base")
    with tarfile.open(os.path.join(here, f"{name}.tar.xz")) as archive:
        archive.extractall(target, **({"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}))


def unpack_all():
    names = [name for name in ("base", "cuda", "cuda-host") if os.path.exists(os.path.join(here, f"{name}.tar.xz"))]
    for folder in ("base", "host"):  # two processes that made it at once would trip over each other
        os.makedirs(os.path.join(o.to, folder), exist_ok=True)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        list(pool.map(unpack, names))
    unpack("code")
    return names


def folders_of_cuda():
    """Of the libraries that PyTorch's packages bring: nvidia/cu13/lib, nvidia/cudnn/lib and others."""
    found = []
    for python in ("/opt/torch/.venv/bin/python3", shutil.which("python3") or sys.executable):
        code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        site = (
            subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
            if os.path.exists(python)
            else ""
        )
        found += glob.glob(f"{site}/nvidia/*/lib") if site else []
    return found + [
        f for f in ("/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/local/cuda/lib64") if os.path.isdir(f)
    ]


def icds():
    """Ways to name the driver: as the machine is set up, by its own files, by one written here."""
    yield None
    for pattern in (
        "/usr/local/nvidia/share/vulkan/icd.d/*.json",
        "/etc/vulkan/icd.d/nvidia*.json",
        "/usr/share/vulkan/icd.d/nvidia*.json",
    ):
        yield from glob.glob(pattern)
    for pattern in ("/usr/local/nvidia/lib*/", "/usr/lib/x86_64-linux-gnu/", "/usr/lib64/"):
        for library in ("libEGL_nvidia.so.0", "libGLX_nvidia.so.0"):
            for path in glob.glob(pattern + library):
                own = os.path.join(o.to, f"{library}.json")
                with open(own, "w") as file:
                    json.dump(
                        {"file_format_version": "1.0.0", "ICD": {"library_path": path, "api_version": "1.3.0"}}, file
                    )
                yield own


def vulkan(env):
    """The surroundings in which the loader finds a card, and what was tried."""
    tried = []
    for icd in [os.environ["VK_DRIVER_FILES"]] if "VK_DRIVER_FILES" in os.environ else icds():
        own = dict(env, **({"VK_DRIVER_FILES": icd, "VK_ICD_FILENAMES": icd} if icd else {}))
        got = subprocess.run(
            [sys.executable, f"{o.to}/base/bench/gpu/vulkan.py"], env=own, capture_output=True, text=True
        )
        names = json.loads(got.stdout or "[]")
        tried.append({"icd": icd, "adapters": names, "code": got.returncode, "stderr": got.stderr[-300:]})
        print(tried[-1], flush=True)
        if any(adapter["kind"] != "cpu" for adapter in names) or "VK_DRIVER_FILES" in os.environ:
            return own, tried
    return env, tried


def bench(tree, name, minutes, env, *flags):
    out = os.path.join(o.out, f"{name}.json")
    subprocess.run(
        [f"{o.to}/base/bin/node", f"{tree}/bench/gpu.mjs", "--minutes", f"{minutes:.2f}", "--out", out, *flags], env=env
    )
    with open(out) as file:
        return json.load(file)["results"]


names = unpack_all()
print(f"unpacked {names} in {time.time() - begun:.1f} s", flush=True)
paths = [f"{o.to}/base/lib", *folders_of_cuda()]
env = {**os.environ, "LD_LIBRARY_PATH": ":".join([*paths, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])}
env["CUDA_MODULE_LOADING"] = "LAZY"  # the provider's kernels that were left out are then never asked for
env["PATH"] = f"{o.to}/base/bin:{env.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
if "FORJA_TORCH_PYTHON" not in env:
    torch = [p for p in ("/opt/torch/.venv/bin/python3", shutil.which("python3")) if p and os.path.exists(p)]
    code = "import importlib.util as u; raise SystemExit(u.find_spec('torch') is None)"
    if torch and subprocess.run([torch[0], "-c", code], capture_output=True).returncode == 0:
        env["FORJA_TORCH_PYTHON"] = torch[0]
env, tried = vulkan(env)
env["FORJA_VULKAN"] = json.dumps(tried)
devices = o.devices or ("webgpu,cuda" if "cuda" in names else "webgpu")
left = lambda: o.minutes - (time.time() - begun) / 60
print(
    f"to the first part: {time.time() - begun:.1f} s; devices {devices}; PyTorch {env.get('FORJA_TORCH_PYTHON')}",
    flush=True,
)
results = bench(f"{o.to}/base", "gpu", left(), env, "--devices", devices, *more)

# where the provider does not run beside npm's onnxruntime: the same with the library that PyPI's package has in its
# place
ran = any(r["name"].startswith("sample cuda") and any("ms" in f for f in r.get("findings", [])) for r in results)
if "cuda-host" in names and not ran and left() > 0.5:
    swapped = f"{o.to}/swapped"
    subprocess.run(["cp", "-a", f"{o.to}/base", swapped], check=True)
    subprocess.run(["cp", "-a", f"{o.to}/host/.", swapped], check=True)
    bench(swapped, "gpu-host", left(), env, "--devices", "cuda", "--only", "truth cuda,sample cuda,step cuda", *more)
print(f"done in {time.time() - begun:.0f} s", flush=True)
