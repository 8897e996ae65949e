# Starts a server on a repository, asks it with Triton's client, compares with onnxruntime, prints a line of a table.
# Called by servers.mjs: servers.py <ray|mlserver> <repository>
import importlib.metadata
import importlib.util
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
import tritonclient.http as triton

server, folder = sys.argv[1:]
LIMIT = 1e-5


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


port = free_port()
if server == "ray":
    code = (
        "import signal, sys; sys.path.insert(0, '.'); import ray; from ray import serve; "
        "ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False); "
        f"serve.start(http_options={{'host': '127.0.0.1', 'port': {port}}}); "
        "import ray_app; serve.run(ray_app.app); signal.pause()"
    )
    command = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONPATH": folder, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    env["RAY_raylet_start_wait_time_s"] = "300"  # for busy machines
else:
    command = [sys.executable, "-m", "mlserver.cli", "start", "."]
    if not importlib.util.find_spec("mlserver.cli.__main__"):
        command = [os.path.join(os.path.dirname(sys.executable), "mlserver"), "start", "."]
    env = {
        **os.environ,
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_GRPC_PORT": str(free_port()),
        "MLSERVER_METRICS_PORT": str(free_port()),
        "MLSERVER_PARALLEL_WORKERS": "0",  # MLServer 1.7's workers do not start with uvloop 0.22
    }
with open(os.path.join(folder, "server.log"), "w") as log:
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)


def wait_for(client):
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            if client.is_server_live() and client.is_model_ready("clothes"):
                return
        except Exception:
            pass
        time.sleep(0.25)
    raise SystemExit("the server was not ready after five minutes")


session = ort.InferenceSession(os.path.join(folder, "clothes", "1", "model.onnx"))


def feeds(seed, rows):
    random = np.random.default_rng(seed)
    return {
        "z": random.standard_normal((rows, 64), dtype=np.float32),
        "label": (np.arange(rows, dtype=np.int32) + seed) % 10,
    }


def ask(client, values):
    inputs = []
    for name, value in values.items():
        one = triton.InferInput(name, list(value.shape), "FP32" if value.dtype == np.float32 else "INT32")
        one.set_data_from_numpy(value, binary_data=False)
        inputs.append(one)
    wanted = [triton.InferRequestedOutput("image", binary_data=False)]
    return client.infer("clothes", inputs, outputs=wanted).as_numpy("image")


def distance(client, seed, rows):
    values = feeds(seed, rows)
    expected = session.run(["image"], values)[0]
    got = ask(client, values)
    assert got.shape == expected.shape, (got.shape, expected.shape)
    return float(np.abs(got.astype(np.float32) - expected).max())


try:
    client = triton.InferenceServerClient(f"127.0.0.1:{port}", network_timeout=300, connection_timeout=300)
    wait_for(client)
    metadata = client.get_model_metadata("clothes")
    assert {one["name"] for one in metadata["inputs"]} == {"z", "label"}, metadata
    batches = max(distance(client, rows, rows) for rows in range(1, 33))
    with ThreadPoolExecutor(32) as pool:
        # a client for each: they are not made for threads
        clients = [
            triton.InferenceServerClient(f"127.0.0.1:{port}", network_timeout=300, connection_timeout=300)
            for _ in range(32)
        ]
        at_once = max(pool.map(lambda i: distance(clients[i], 100 + i, 1 + i % 3), range(32)))
    names = [server, "onnxruntime", "tritonclient"]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    title = {"ray": "Ray Serve", "mlserver": "MLServer"}[server]
    verdict = lambda d: f"{d:.0e}" if d <= LIMIT else f"**{d:.0e}**"
    print(f"| {title} | {versions} | {verdict(batches)} | {verdict(at_once)} |")
    if max(batches, at_once) > LIMIT:
        raise SystemExit(1)
except BaseException:
    with open(os.path.join(folder, "server.log")) as log:
        sys.stderr.write("".join(log.readlines()[-40:]))
    raise
finally:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
