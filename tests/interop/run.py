# One runtime over all models of a folder: loads each, runs it, compares with onnxruntime-node's outputs. Every model in a process of its own, since some runtimes end the process. Writes <runtime>.results.json.
import base64, json, os, subprocess, sys
from pathlib import Path

KEPT = []


def tensors(entries):
    import numpy as np
    kinds = {"float32": np.float32, "int32": np.int32, "int64": np.int64, "uint8": np.uint8, "bool": np.bool_}
    return {k: np.frombuffer(base64.b64decode(t["data"]), kinds[t["dtype"]]).reshape(t["shape"]) for k, t in entries.items()}


def checker(path, feeds, names):
    import onnx
    onnx.checker.check_model(str(path), full_check=True)
    onnx.shape_inference.infer_shapes_path(str(path), str(path) + ".inferred", check_type=True, strict_mode=True, data_prop=True)
    os.remove(str(path) + ".inferred")


def onnxruntime(path, feeds, names):
    import onnxruntime as ort
    o = ort.SessionOptions(); o.log_severity_level = 3
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"]).run(names, feeds)


def slim(path, feeds, names):
    import onnx, onnxslim
    out = path.with_suffix(".slim")
    onnx.save(onnxslim.slim(str(path)), str(out))
    return onnxruntime(out, feeds, names)


def reference(path, feeds, names):
    from onnx.reference import ReferenceEvaluator
    return ReferenceEvaluator(str(path)).run(names, feeds)


def exact(path, feeds, names):
    """The same file computed in float64, by the onnx reference: what is right, where float32 runtimes disagree."""
    import numpy as np, onnx
    from onnx.reference import ReferenceEvaluator
    model = onnx.load(str(path))

    def widen(t):
        if t.data_type == onnx.TensorProto.FLOAT:
            t.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(t).astype(np.float64), t.name))

    for t in model.graph.initializer:
        widen(t)
    for node in model.graph.node:
        for a in node.attribute:
            if a.HasField("t"):
                widen(a.t)
            if node.op_type == "Cast" and a.name == "to" and a.i == onnx.TensorProto.FLOAT:
                a.i = onnx.TensorProto.DOUBLE
    return ReferenceEvaluator(model).run(names, {k: v.astype(np.float64) if v.dtype == np.float32 else v for k, v in feeds.items()})


def openvino(path, feeds, names):
    import openvino as ov
    results = ov.compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(feeds)
    return [results[n] for n in names]


def opencv(path, feeds, names):
    import cv2, numpy as np
    net = cv2.dnn.readNetFromONNX(str(path))
    for key, value in feeds.items():
        net.setInput(value, key)
    results = net.forward(names)
    return [r for r in results]


def ncnn(path, feeds, names):
    import ncnn as nn, numpy as np
    work = path.parent / ("ncnn-" + path.stem); work.mkdir(exist_ok=True)
    model = work / "m.onnx"; model.write_bytes(path.read_bytes())
    feeds = {k: v[:1] for k, v in feeds.items()}  # ncnn has no batch
    shapes = ",".join("[" + ",".join(map(str, v.shape)) + "]" + {"float32": "f32", "int32": "i32"}[str(v.dtype)] for v in feeds.values())
    exe = Path(sys.executable).parent / "pnnx"
    done = subprocess.run([str(exe), "m.onnx", f"inputshape={shapes}", "fp16=0"], cwd=work, capture_output=True, text=True, timeout=300)
    param = work / "m.ncnn.param"
    if not param.exists():
        raise RuntimeError("pnnx: " + (done.stderr or done.stdout).strip().splitlines()[-1][:200])
    net = nn.Net()
    KEPT.append(net)  # freed before its matrices it ends the process
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    if net.load_param(str(param)) != 0 or net.load_model(str(work / "m.ncnn.bin")) != 0:
        kinds = {line.split()[0] for line in param.read_text().splitlines()[2:] if line.strip()}
        lost = [kind for kind in sorted(kinds) if nn.layer_to_index(kind) < 0]
        raise RuntimeError("ncnn cannot load what pnnx wrote" + (f": no layer for {', '.join(lost)}" if lost else ""))
    ex = net.create_extractor()
    KEPT.append(ex)
    got = []
    for i, value in enumerate(feeds.values()):
        mat = nn.Mat(np.ascontiguousarray(value[0] if value.ndim > 1 else value)).clone()
        KEPT.append(mat)
        ex.input(f"in{i}", mat)
    for i in range(len(names)):
        code, mat = ex.extract(f"out{i}")
        KEPT.append(mat)
        if code != 0:
            raise RuntimeError(f"ncnn: extract returned {code}")
        got.append(np.array(mat).copy()[None])
    return got


def fidelity(path, feeds, names):
    # The generator contract of torch-fidelity: latents in, uint8 NCHW of three channels out.
    import numpy as np, torch
    from torch_fidelity.generative_model_onnx import GenerativeModelONNX
    (key, z), = feeds.items()
    g = GenerativeModelONNX(str(path), z.shape[1], "normal", 0)
    out = g(torch.from_numpy(z.copy()))
    assert out.dtype == torch.uint8 and out.ndim == 4 and out.shape[1] == 3, (out.dtype, out.shape)
    return [out.numpy()]


def one(runtime, folder, name):
    import numpy as np
    given = json.loads((folder / f"{name}.json").read_text())
    feeds, expected = tensors(given["feeds"]), tensors(given["results"])
    outputs = globals()[runtime](folder / f"{name}.onnx", feeds, list(expected))
    if outputs is None:
        return {"ok": True}
    worst, least = 0.0, 200.0
    for got, want in zip(outputs, expected.values()):
        got = np.asarray(got)
        if runtime == "ncnn":
            want = want[:1]
        if got.size != want.size:
            return {"ok": False, "error": f"shape {list(got.shape)}, expected {list(want.shape)}"}
        a, b = got.astype(np.float64).reshape(-1), want.astype(np.float64).reshape(-1)
        worst = max(worst, float(np.max(np.abs(a - b)) / max(1e-2, np.quantile(np.abs(b), 0.999))))
        noise = float(np.sqrt(np.mean((a - b) ** 2)))
        least = min(least, 20 * np.log10(max(b.max() - b.min(), np.abs(b).max(), 1e-2) / noise) if noise > 0 else 200.0)
    half, bytes_ = given["precision"] == "fp16", next(iter(expected.values())).dtype == np.uint8
    good = least >= 45 if half or bytes_ else worst <= 1e-4
    if not good and not half and not bytes_ and worst < 0.05:
        # Close, but not near: perhaps it is float32 that is not good enough for this network, in any runtime.
        truth = exact(folder / f"{name}.onnx", feeds, list(expected))
        away = lambda found: max(float(np.max(np.abs(np.asarray(f, np.float64).reshape(-1) - t.reshape(-1))) / max(1e-2, np.quantile(np.abs(t), 0.999))) for f, t in zip(found, truth))
        ours, theirs = away(list(expected.values())), away(outputs)
        error = (
            f"relative error {worst:.1e}; from the same file in float64, "
            f"this runtime differs by {theirs:.1e} and onnxruntime by {ours:.1e}"
        )
        return {"ok": False, "relative": worst, "psnr": least, "error": error}
    return {"ok": bool(good), "relative": worst, "psnr": least, **({} if good else {"error": f"relative error {worst:.1e}, {least:.0f} dB"})}


def main():
    folder, runtime = Path(sys.argv[1]).resolve(), sys.argv[2]
    if len(sys.argv) > 3:
        try:
            print("RESULT " + json.dumps(one(runtime, folder, sys.argv[3])), flush=True)
        except Exception as e:
            lines = [l.strip() for l in str(e).splitlines() if l.strip()] or [type(e).__name__]
            print("RESULT " + json.dumps({"ok": False, "error": " ".join(lines)[:240]}), flush=True)
        os._exit(0)
    results = {}
    for path in sorted(folder.glob("*.json")):
        name = path.stem
        if name.endswith(".results") or (runtime == "fidelity" and not name.endswith("uint8")):
            continue
        try:
            done = subprocess.run([sys.executable, __file__, str(folder), runtime, name], capture_output=True, text=True, timeout=300)
            line = next((l for l in done.stdout.splitlines()[::-1] if l.startswith("RESULT ")), None)
            results[name] = json.loads(line[7:]) if line else {"ok": False, "error": f"the process ended with {done.returncode}: {done.stderr.strip()[-160:]}"}
        except subprocess.TimeoutExpired:
            results[name] = {"ok": False, "error": "more than 300 s"}
        print(runtime, name, "ok" if results[name]["ok"] else results[name].get("error"), flush=True)
    (folder / f"{runtime}.results.json").write_text(json.dumps(results, indent=1))


main()
