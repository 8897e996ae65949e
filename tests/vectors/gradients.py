"""Writes gradients.json: first- and second-order gradients of small functions in PyTorch float64, for the tests of packages/trainer/src/gradients.

For each case with inputs x_i, cotangent w and directions v_i: first_i = d<f(x), w>/dx_i; second = d(sum_i <first_i, v_i>)/d(x_i..., w).
For critics: the WGAN-GP penalty mean((|d critic/d picture| - 1)^2) and its gradient by each weight.
Pictures are NHWC and filters HWIO in the file, as in TensorFlow.js. Run: python tests/vectors/gradients.py
"""
import json, math, pathlib
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
gen = torch.Generator().manual_seed(7)
cases = []


def rand(*shape, low=-1.5, high=1.5):
    x = torch.rand(shape, generator=gen) * (high - low) + low
    return (x * 1000).round() / 1000  # short in the file


def rounded(t):
    return [float(f"{v:.7g}") for v in (torch.zeros(t.shape) + t.detach()).reshape(-1).tolist()]  # autograd may hand out storage-less zeros


def packed(t):
    return {"shape": list(t.shape), "data": rounded(t)}


def case(name, f, *inputs):
    xs = [x.clone().requires_grad_() for x in inputs]
    y = f(*xs)
    w = rand(*y.shape).requires_grad_()
    vs = [rand(*x.shape) for x in xs]
    first = torch.autograd.grad((y * w).sum(), xs, create_graph=True)
    inner = sum((g * v).sum() for g, v in zip(first, vs))
    second = torch.autograd.grad(inner, xs + [w], allow_unused=True)
    second = [torch.zeros_like(t) if g is None else g for g, t in zip(second, xs + [w])]
    cases.append({"name": name, "inputs": [packed(x) for x in xs], "value": rounded(y), "w": packed(w), "v": [packed(v) for v in vs],
                  "first": [rounded(g) for g in first], "second": [rounded(g) for g in second]})


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def oihw(f):
    return f.permute(3, 2, 0, 1)


def same(size, k, s, d=1):
    total = max(0, (math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size)
    return total // 2, total - total // 2


def pad_same(x, k, s, d=1, value=0.0):
    (t, b), (l, r) = same(x.shape[2], k[0], s, d), same(x.shape[3], k[1], s, d)
    return F.pad(x, (l, r, t, b), value=value)


def conv(x, f, s=1, pad="same", d=1, groups=1):
    x = nchw(x)
    if pad == "same":
        x = pad_same(x, f.shape[:2], s, d)
    return nhwc(F.conv2d(x, oihw(f), stride=s, dilation=d, groups=groups))


def depthwise(x, f, s=1, pad="same", d=1):
    h, w, c, m = f.shape
    return conv(x, f.reshape(h, w, 1, c * m), s, pad, d, c)


def conv_transpose(x, f, out, s=2):
    """The adjoint of a 'same' convolution; f is (h, w, out, in)."""
    h, w = out
    (t, _), (l, _) = same(h, f.shape[0], s), same(w, f.shape[1], s)
    full = F.conv_transpose2d(nchw(x), oihw(f), stride=s)
    full = F.pad(full, (0, max(0, l + w - full.shape[3]), 0, max(0, t + h - full.shape[2])))
    return nhwc(full[:, :, t:t + h, l:l + w])


def max_pool(x, k, s, pad):
    x = nchw(x)
    if pad == "same":
        x = pad_same(x, (k, k), s, value=-1e30)
    return nhwc(F.max_pool2d(x, k, s))


def avg_pool(x, k, s, pad):
    x = nchw(x)
    if pad != "same":
        return nhwc(F.avg_pool2d(x, k, s))
    ones = pad_same(torch.ones_like(x), (k, k), s)
    return nhwc(F.avg_pool2d(pad_same(x, (k, k), s), k, s) / F.avg_pool2d(ones, k, s))


def lerp_axis(x, axis, to, align, half):
    n = x.shape[axis]
    ratio = (n - 1) / (to - 1) if align and to > 1 else n / to
    at = [ratio * (i + 0.5) - 0.5 if half else ratio * i for i in range(to)]
    at = [min(max(a, 0.0), n - 1) for a in at]
    low = [int(math.floor(a)) for a in at]
    high = [min(n - 1, l + 1) for l in low]
    shape = [1] * x.dim()
    shape[axis] = to
    frac = torch.tensor([a - l for a, l in zip(at, low)]).reshape(shape)
    return x.index_select(axis, torch.tensor(low)) * (1 - frac) + x.index_select(axis, torch.tensor(high)) * frac


def bilinear(x, h, w, align=False, half=False):
    return lerp_axis(lerp_axis(x, 1, h, align, half), 2, w, align, half)


def nearest(x, h, w, align=False, half=False):
    for axis, to in ((1, h), (2, w)):
        n = x.shape[axis]
        ratio = (n - 1) / (to - 1) if align and to > 1 else n / to
        at = [ratio * (i + 0.5) if half else ratio * i for i in range(to)]
        index = [min(n - 1, int(math.floor(a + 0.5)) if align else int(math.floor(a))) for a in at]
        x = x.index_select(axis, torch.tensor(index))
    return x


def depth_to_space(x, b):
    n, h, w, c = x.shape
    return x.reshape(n, h, w, b, b, c // (b * b)).permute(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c // (b * b))


def mirror(x, pads, mode):
    """Reflect or symmetric padding of rows and columns by index, written out."""
    for axis, (before, after) in ((1, pads[0]), (2, pads[1])):
        n = x.shape[axis]
        skip = 1 if mode == "reflect" else 0
        index = [before - 1 - i + skip for i in range(before)] + list(range(n)) + [n - 1 - skip - i for i in range(after)]
        x = x.index_select(axis, torch.tensor(index))
    return x


def batch_norm(x, mean, var, offset, scale):
    return (x - mean) / torch.sqrt(var + 1e-3) * scale + offset


def train_norm(x, offset, scale):
    axes = tuple(range(x.dim() - 1))
    return batch_norm(x, x.mean(axes), x.var(axes, unbiased=False), offset, scale)


v = lambda: rand(3, 5)
case("relu", torch.relu, v())
case("relu6", F.relu6, v() * 6)
case("leakyRelu", lambda x: F.leaky_relu(x, 0.2), v())
case("elu", F.elu, v())
case("selu", F.selu, v())
case("tanh", torch.tanh, v())
case("sigmoid", torch.sigmoid, v())
case("softplus", F.softplus, v())
case("softmax", lambda x: torch.softmax(x, -1), v())
case("logSoftmax", lambda x: torch.log_softmax(x, -1), v())
case("prelu", lambda x, a: torch.where(x > 0, x, x * a), rand(2, 3, 3, 2), rand(3, 3, 2))
case("gelu", lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))), v())
case("mish", lambda x: x * torch.tanh(F.softplus(x)), v())
case("swish", F.silu, v())
case("logSigmoid", F.logsigmoid, v())
case("softmaxCrossEntropy", lambda t, x: -(t * torch.log_softmax(x, -1)).sum(-1).mean(), rand(3, 5, low=0.1, high=1), v())
case("exp", torch.exp, v())
case("abs", torch.abs, v())
case("log", torch.log, rand(3, 5, low=0.3, high=2))
case("sqrt", torch.sqrt, rand(3, 5, low=0.3, high=2))
case("rsqrt", torch.rsqrt, rand(3, 5, low=0.3, high=2))
case("square", torch.square, v())
case("clip", lambda x: torch.clamp(x, -0.7, 0.9), v())
case("pow", torch.pow, rand(3, 5, low=0.3, high=2), rand(5))
case("maximum", torch.maximum, v(), rand(5))
case("minimum", torch.minimum, rand(3, 1), v())
case("squaredDifference", lambda a, b: (a - b) ** 2, v(), rand(1, 5))
case("div", torch.div, v(), rand(5, low=0.4, high=2))
case("where", lambda x: torch.where(x > 0.1, x * x, torch.tanh(x)), v())
case("add", torch.add, v(), rand(3, 1))
case("sub", torch.sub, rand(5), v())
case("mul", torch.mul, v(), rand(3, 1))
case("addN", lambda a, b, c: a * a + b + torch.sin(c), v(), v(), v())
case("neg", lambda x: -x * x, v())
case("reciprocal", torch.reciprocal, rand(3, 5, low=0.3, high=2))
case("log1p", torch.log1p, rand(3, 5, low=-0.5, high=2))
case("expm1", torch.expm1, v())
case("sin", torch.sin, v())
case("cos", torch.cos, v())
case("tan", torch.tan, rand(3, 5, low=-1, high=1))
case("asin", torch.asin, rand(3, 5, low=-0.8, high=0.8))
case("acos", torch.acos, rand(3, 5, low=-0.8, high=0.8))
case("atan", torch.atan, v())
case("sinh", torch.sinh, v())
case("cosh", torch.cosh, v())
case("asinh", torch.asinh, v())
case("acosh", torch.acosh, rand(3, 5, low=1.2, high=3))
case("atanh", torch.atanh, rand(3, 5, low=-0.8, high=0.8))
case("atan2", torch.atan2, v(), rand(3, 5, low=0.3, high=2))
case("reshape", lambda x: (x * x).reshape(4, 3, 2).permute(2, 0, 1) * torch.ones(1), rand(2, 3, 4))
case("concat", lambda a, b: torch.cat([a * a, b * a[:, :2]], 1), rand(3, 4), rand(3, 2))
case("slice", lambda x: (x * x)[:, 1:3], rand(3, 5))
case("stridedSlice", lambda x: (x * x)[::2, 1:5:3], rand(5, 6))
case("stridedSliceBack", lambda x: (x * x)[[4, 2]][:, [5, 3, 1]], rand(5, 6))
case("pad", lambda x: F.pad(x * x, (1, 2, 0, 1)), rand(3, 2))
case("stack", lambda a, b: torch.stack([a * b, b], 1), rand(3, 2), rand(3, 2))
case("unstack", lambda x: x[0] * x[2], rand(3, 4))
case("split", lambda x: x[:, :2] * x[:, 2:4], rand(3, 4))
case("gather", lambda x: (x * x)[torch.tensor([2, 0, 2, 1])], rand(3, 4))
case("reverse", lambda x: (x * x).flip(1), rand(3, 4))
case("cumsum", lambda x: (x * x).cumsum(1), rand(3, 4))
case("spaceToBatch", lambda x: (x * x).reshape(1, 2, 2, 2, 2, 1).permute(2, 4, 0, 1, 3, 5).reshape(4, 2, 2, 1), rand(1, 4, 4, 1))
case("einsum", lambda a, b: torch.einsum("bij,bjk->bki", a, b), rand(2, 3, 2), rand(2, 2, 3))
case("einsumSum", lambda a: torch.einsum("ijk->j", a), rand(3, 2, 2))
case("minibatchStd", lambda x: torch.sqrt(x.var(0, unbiased=False) + 1e-8).mean().reshape(1, 1), rand(4, 5))
case("steps", lambda x: x * torch.sign(x) + torch.floor(x) * 0, v())
case("sum", lambda x: x.sum(1), rand(2, 3, 4))
case("mean", lambda x: (x * x).mean((0, 2)), rand(2, 3, 4))
case("max", lambda x: x.amax(1), rand(2, 6, 3))
case("min", lambda x: x.amin(-1), rand(2, 6, 3))
case("tile", lambda x: x.repeat(1, 2, 3), rand(2, 1, 3))
case("logSumExp", lambda x: torch.logsumexp(x, -1), v())
case("layerNorm", lambda x, g: F.layer_norm(x, (5,), eps=1e-3) * g, v(), rand(5))
case("matMul", torch.matmul, rand(3, 4), rand(4, 2))
case("matMulTransposed", lambda a, b: a.T @ b.T, rand(4, 3), rand(2, 4))
case("matMulBroadcast", torch.matmul, rand(1, 3, 4), rand(2, 4, 2))
case("conv", lambda x, f: conv(x, f, 1), rand(2, 5, 4, 2), rand(3, 3, 2, 3))
case("convStride2", lambda x, f: conv(x, f, 2), rand(2, 6, 5, 2), rand(4, 4, 2, 3))
case("convValid", lambda x, f: conv(x, f, 2, "valid"), rand(1, 6, 6, 2), rand(3, 3, 2, 2))
case("convDilated", lambda x, f: conv(x, f, 1, "same", 2), rand(2, 6, 5, 2), rand(3, 3, 2, 3))
case("convDilatedValid", lambda x, f: conv(x, f, 1, "valid", 2), rand(1, 7, 6, 2), rand(3, 2, 2, 2))
case("convTranspose", lambda x, f: conv_transpose(x, f, (6, 8)), rand(2, 3, 4, 3), rand(4, 4, 2, 3))
case("convTranspose5", lambda x, f: conv_transpose(x, f, (5, 6)), rand(1, 3, 3, 2), rand(5, 5, 2, 2))
case("fusedConvDilated", lambda x, f, b: conv(x, f, 1, "same", 2) + b, rand(1, 6, 5, 2), rand(3, 3, 2, 3), rand(3))
case("fusedMatMul", lambda a, b, c: torch.relu(a @ b + c), rand(3, 4), rand(4, 2), rand(2))
case("depthwise", lambda x, f: depthwise(x, f), rand(2, 4, 5, 2), rand(3, 3, 2, 1))
case("depthwiseStride2", lambda x, f: depthwise(x, f, 2), rand(2, 6, 6, 2), rand(3, 3, 2, 2))
case("depthwiseDilated", lambda x, f: depthwise(x, f, 1, "same", 2), rand(1, 6, 6, 2), rand(3, 3, 2, 2))
case("maxPool", lambda x: max_pool(x, 2, 2, "valid"), rand(2, 5, 4, 2))
case("maxPoolOverlap", lambda x: max_pool(x, 3, 2, "same"), rand(2, 6, 5, 2))
case("maxPoolStride1", lambda x: max_pool(x, 2, 1, "valid"), rand(1, 4, 4, 2))
case("avgPool", lambda x: avg_pool(x, 2, 2, "valid"), rand(2, 5, 4, 2))
case("avgPoolSame", lambda x: avg_pool(x, 3, 2, "same"), rand(2, 6, 5, 2))
case("avgPoolStride1", lambda x: avg_pool(x, 3, 1, "same"), rand(1, 4, 4, 2))
case("nearest", lambda x: nearest(x, 4, 6), rand(2, 2, 3, 2))
case("nearestOdd", lambda x: nearest(x, 5, 4), rand(2, 3, 3, 1))
case("nearestAlign", lambda x: nearest(x, 5, 4, align=True), rand(2, 3, 3, 1))
case("nearestHalf", lambda x: nearest(x, 5, 4, half=True), rand(2, 3, 3, 1))
case("bilinear", lambda x: bilinear(x, 5, 7), rand(2, 3, 4, 2))
case("bilinearAlign", lambda x: bilinear(x, 5, 7, align=True), rand(2, 3, 4, 2))
case("bilinearHalf", lambda x: bilinear(x, 6, 3, half=True), rand(2, 3, 4, 2))
case("mirrorPad", lambda x: mirror(x, ((1, 2), (2, 1)), "reflect"), rand(2, 3, 4, 2))
case("mirrorPadSymmetric", lambda x: mirror(x, ((1, 2), (0, 1)), "symmetric"), rand(1, 3, 3, 2))
case("depthToSpace", lambda x: depth_to_space(x, 2), rand(2, 2, 3, 8))
case("batchNorm", batch_norm, rand(2, 3, 2, 3), rand(3), rand(3, low=0.3, high=2), rand(3), rand(3))
case("batchNormTraining", train_norm, rand(2, 3, 2, 3), rand(3), rand(3))
case("batchNormDense", train_norm, rand(6, 3), rand(3), rand(3))

ACTIVATIONS = {"leakyRelu": lambda x: F.leaky_relu(x, 0.2), "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "elu": F.elu,
               "softplus": F.softplus, "swish": F.silu, "softmax": lambda x: torch.softmax(x, -1)}
POOLS = {"avgPool": lambda x: avg_pool(x, 2, 2, "valid"), "maxPool": lambda x: max_pool(x, 2, 2, "valid"), "avgPoolSame": lambda x: avg_pool(x, 3, 2, "same"), "maxPoolSame": lambda x: max_pool(x, 3, 2, "same")}
critics = []


def critic(activation, pool):
    x = rand(3, 8, 8, 1).requires_grad_()
    weights = [rand(3, 3, 1, 3, low=-0.6, high=0.6), rand(3, low=-0.3, high=0.3), rand(3, 3, 3, 4, low=-0.4, high=0.4), rand(4, low=-0.3, high=0.3), rand(16, 1, low=-0.7, high=0.7)]
    for t in weights:
        t.requires_grad_()
    f1, b1, f2, b2, d = weights
    h = POOLS[pool](ACTIVATIONS[activation](conv(x, f1) + b1))
    h = ACTIVATIONS[activation](conv(h, f2, 2) + b2)
    score = h.reshape(3, 16) @ d
    slope, = torch.autograd.grad(score.sum(), x, create_graph=True)
    norm = torch.sqrt((slope ** 2).sum((1, 2, 3)) + 1e-12)
    penalty = ((norm - 1) ** 2).mean()
    grads = torch.autograd.grad(penalty, weights, allow_unused=True)
    critics.append({"activation": activation, "pool": pool, "x": packed(x), "weights": [packed(t) for t in weights], "penalty": penalty.item(),
                    "grads": [rounded(torch.zeros_like(t) if g is None else g) for g, t in zip(grads, weights)]})


for activation in ACTIVATIONS:
    critic(activation, "avgPool")
for pool in ("maxPool", "avgPoolSame", "maxPoolSame"):
    critic("leakyRelu", pool)
    critic("tanh", pool)

out = pathlib.Path(__file__).with_name("gradients.json")
out.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases, "critics": critics}, separators=(",", ":")) + "\n")
print(out.name, len(cases), "cases", len(critics), "critics", out.stat().st_size, "bytes")
