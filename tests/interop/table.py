# The results of run.py as Markdown: a table of models and runtimes, then every error.
import json, re, sys
from pathlib import Path

folder = Path(sys.argv[1])
titles = {"checker": "onnx.checker", "slim": "onnxslim", "onnxruntime": "onnxruntime (Python)", "reference": "onnx reference", "openvino": "OpenVINO", "opencv": "OpenCV DNN", "ncnn": "ncnn (pnnx)", "fidelity": "torch-fidelity"}
found = {k: json.loads((folder / f"{k}.results.json").read_text()) for k in titles if (folder / f"{k}.results.json").exists()}
names = sorted({n for r in found.values() for n in r})
errors = []


def cell(runtime, name):
    r = found[runtime].get(name)
    if r is None:
        return ""
    if r["ok"]:
        return "valid" if "relative" not in r else (f"{r['psnr']:.0f} dB" if name.endswith(("fp16", "uint8")) else f"{r['relative']:.0e}")
    text = re.sub(r"(/[\w.+-]+)+/", "", r["error"]).replace("|", "\\|").replace("<", "&lt;")
    text = re.sub(r"0x[0-9a-f]+", "", text.replace("\n", " "))
    if text not in errors:
        errors.append(text)
    return f"**no** [{errors.index(text) + 1}]"


print("| model | " + " | ".join(titles[k] for k in found) + " |")
print("|---|" + "---|" * len(found))
for name in names:
    print(f"| {name} | " + " | ".join(cell(k, name) for k in found) + " |")
print()
for i, text in enumerate(errors):
    print(f"{i + 1}. {text}")
print()
