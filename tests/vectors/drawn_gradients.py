"""Writes drawn-gradients.json: derivatives of every kernel at ranks, axes, strides, paddings and attributes drawn at
random, and of the blocks that GANs are made of, in PyTorch float64.

For each draw with inputs x_i, cotangent w and directions v_i: first_i = d<f(x), w>/dx_i; second =
d(sum_i <first_i, v_i>)/d(x_i..., w); an empty list stands for zeros. Inputs, w and v are not in the file: both sides
draw them by `numbers`, all different, so that no maximum is tied. Pictures are NHWC and filters HWIO, volumes NDHWC and
DHWIO, as in TensorFlow.js. packages/trainer/src/gradients/testing/drawn.ts holds the same functions in tfjs.
Run: python tests/vectors/drawn_gradients.py
"""
import itertools, json, math, pathlib, random, struct
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
r = random.Random(11)
ops = {}
seeds = itertools.count(1)


def fround(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def numbers(seed, shape, low, high):
    """Evenly spaced numbers between low and high, in an order drawn by a linear congruential generator."""
    n = math.prod(shape)
    order, state = list(range(n)), seed
    for i in range(n - 1, -1, -1):
        state = (state * 1664525 + 1013904223) % 2**32
        j = state * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    return torch.tensor([fround(low + (high - low) * (k + 0.5) / n) for k in order]).reshape(shape)


def short(t):
    values = [float(f"{v:.6g}") for v in (torch.zeros(t.shape) + t.detach()).reshape(-1).tolist()]
    return values if any(values) else []


WIDE = (-1.43, 1.71)


def draw(name, f, inputs, **attrs):
    """One draw. Inputs are shapes, or (shape, low, high)."""
    seed = next(seeds)
    specs = [s if isinstance(s, tuple) and len(s) == 3 and isinstance(s[0], list) else (list(s), *WIDE) for s in inputs]
    xs = [numbers(seed * 64 + i, *s).requires_grad_() for i, s in enumerate(specs)]
    y = f(*xs)
    w = numbers(seed * 64 + 40, list(y.shape), -1, 1).requires_grad_()
    vs = [numbers(seed * 64 + 41 + i, list(x.shape), -1, 1) for i, x in enumerate(xs)]
    zero = sum(x.sum() for x in xs) * 0  # connects what is constant
    first = torch.autograd.grad((y * w).sum() + zero, xs, create_graph=True)
    inner = sum((g * v).sum() for g, v in zip(first, vs)) + zero + w.sum() * 0
    second = torch.autograd.grad(inner, xs + [w], allow_unused=True)
    second = [torch.zeros_like(t) if g is None else g for g, t in zip(second, xs + [w])]
    assert all(torch.isfinite(t).all() for t in (y, *first, *second)), (name, attrs)
    ops.setdefault(name, []).append({
        "seed": seed, "inputs": [{"shape": s, "range": [a, b]} for s, a, b in specs], "attrs": attrs, "shape": list(y.shape),
        "value": short(y), "first": [short(g) for g in first], "second": [short(g) for g in second]})


def shape(low=1, high=4, most=4):
    return [r.randint(1, most) for _ in range(r.randint(low, high))]


def axes_of(rank):
    return sorted(r.sample(range(rank), r.randint(1, rank)))


def signed(axis, rank):
    """The same axis, counted from the end half of the time."""
    return axis - rank if r.random() < 0.5 else axis


# --- element-wise -----------------------------------------------------------------------------------------------------

sign = lambda t: torch.sign(t).detach()
UNARY = {
    "relu": (torch.relu, *WIDE), "relu6": (lambda x: torch.clamp(x, 0, 6), -3.1, 9.3), "elu": (F.elu, *WIDE), "selu": (F.selu, *WIDE),
    "tanh": (torch.tanh, *WIDE), "sigmoid": (torch.sigmoid, -4, 4.3), "softplus": (F.softplus, -4, 4.3),
    "logSigmoid": (F.logsigmoid, -4, 4.3), "exp": (torch.exp, *WIDE), "expm1": (torch.expm1, *WIDE), "log": (torch.log, 0.3, 3),
    "log1p": (torch.log1p, -0.5, 2), "sqrt": (torch.sqrt, 0.3, 3), "rsqrt": (torch.rsqrt, 0.4, 3), "square": (torch.square, *WIDE),
    "abs": (torch.abs, *WIDE), "neg": (lambda x: -x * x, *WIDE), "reciprocal": (torch.reciprocal, 0.5, 3), "sin": (torch.sin, *WIDE),
    "cos": (torch.cos, *WIDE), "tan": (torch.tan, -0.9, 0.97), "asin": (torch.asin, -0.7, 0.73), "acos": (torch.acos, -0.7, 0.73),
    "atan": (torch.atan, *WIDE), "sinh": (torch.sinh, *WIDE), "cosh": (torch.cosh, *WIDE), "asinh": (torch.asinh, *WIDE),
    "acosh": (torch.acosh, 1.3, 3), "atanh": (torch.atanh, -0.7, 0.73), "erf": (torch.erf, *WIDE),
    # piecewise constant, times x
    "sign": (lambda x: x * sign(x), *WIDE), "floor": (lambda x: x * torch.floor(x), -3.1, 3.3), "ceil": (lambda x: x * torch.ceil(x), -3.1, 3.3),
    "round": (lambda x: x * torch.round(x), -3.1, 3.3), "isFinite": (lambda x: x * x, *WIDE), "isNaN": (lambda x: x * x, *WIDE),
    "isInf": (lambda x: x * x, *WIDE), "onesLike": (lambda x: x * x, *WIDE), "zerosLike": (lambda x: x * x, *WIDE),
    "castToInt": (lambda x: x * torch.trunc(x), -3.1, 3.3), "castToBool": (lambda x: x * x, *WIDE), "clone": (lambda x: x * x, *WIDE),
    "identityKernel": (lambda x: x * x, *WIDE),
    "logicalNot": (lambda x: x * (x <= 0.2), *WIDE),
}
for name, (f, low, high) in UNARY.items():
    for rank in (0, 1, 2, 4):
        draw(name, f, [([r.randint(1, 3) for _ in range(rank)], low, high)])
for _ in range(5):
    alpha = r.choice([0.01, 0.2, 0.3, 0.9, 1.5])
    draw("leakyRelu", lambda x: torch.where(x > 0, x, alpha * x), [shape()], alpha=alpha)
    draw("step", lambda x: x * torch.where(x > 0, 1, alpha), [shape()], alpha=alpha)
    low, high = -r.random(), r.random()
    draw("clipByValue", lambda x: torch.clamp(x, low, high), [shape()], low=low, high=high)


def broadcast():
    full = shape(1, 4, 3)
    part = lambda: [1 if r.random() < 0.3 else size for size in full][r.randint(0, len(full) - 1) if r.random() < 0.4 else 0:]
    pair = [full, part()]
    r.shuffle(pair)
    return pair


BINARY = {
    "add": (torch.add, WIDE, WIDE), "sub": (torch.sub, WIDE, WIDE), "mul": (torch.mul, WIDE, WIDE), "div": (torch.div, WIDE, (0.5, 2)),
    "pow": (torch.pow, (0.4, 2), (-1.3, 2.2)), "maximum": (torch.maximum, WIDE, (-1.4, 1.6)), "minimum": (torch.minimum, WIDE, (-1.4, 1.6)),
    "squaredDifference": (lambda a, b: (a - b) ** 2, WIDE, WIDE), "atan2": (torch.atan2, WIDE, (0.4, 2)),
    "mod": (lambda a, b: a - b * torch.floor(a / b).detach(), (-4.1, 5.3), (0.7, 1.9)),
    "modNegative": (lambda a, b: a - b * torch.floor(a / b).detach(), (-4.1, 5.3), (-1.9, -0.7)),
    "floorDiv": (lambda a, b: a * torch.floor(a / b).detach() + b, (-4.1, 5.3), (0.7, 1.9)),
    "greater": (lambda a, b: torch.where(a > b, a * b, a + b), WIDE, (-1.4, 1.6)), "greaterEqual": (lambda a, b: torch.where(a >= b, a * b, a + b), WIDE, (-1.4, 1.6)),
    "less": (lambda a, b: torch.where(a < b, a * b, a + b), WIDE, (-1.4, 1.6)), "lessEqual": (lambda a, b: torch.where(a <= b, a * b, a + b), WIDE, (-1.4, 1.6)),
    "equal": (lambda a, b: torch.where(a == b, a * b, a + b), WIDE, (-1.4, 1.6)), "notEqual": (lambda a, b: torch.where(a != b, a * b, a + b), WIDE, (-1.4, 1.6)),
    "logicalAnd": (lambda a, b: a * b * ((a > 0) & (b > 0)), WIDE, WIDE), "logicalOr": (lambda a, b: a * b * ((a > 0) | (b > 0)), WIDE, WIDE),
    "logicalXor": (lambda a, b: a * b * ((a > 0) ^ (b > 0)), WIDE, WIDE),
}
for name, (f, one, two) in BINARY.items():
    for _ in range(5):
        a, b = broadcast()
        draw(name, f, [(a, *one), (b, *two)])
for _ in range(5):
    full = shape(2, 4, 3)
    draw("prelu", lambda x, a: torch.where(x > 0, x, x * a), [full, [1 if r.random() < 0.4 else s for s in full[1:]]])
    n, s = r.randint(1, 4), shape()
    draw("addN", lambda *xs: sum(x * x for x in xs), [s] * n)
    draw("softmax", lambda x: torch.softmax(x, -1), [shape(1, 4, 5)])
    draw("logSoftmax", lambda x: torch.log_softmax(x, -1), [shape(1, 4, 5)])
    s = shape(2, 3)
    draw("bitwiseAnd", lambda x: x * (x.trunc().long() & 3), [(shape(), 0.1, 9)])
    draw("searchSorted", lambda x: x * torch.searchsorted(torch.tensor([[-1.0, 0.2, 0.9]]).expand(len(x), 3).contiguous(), x.detach()), [shape(2, 2)])
    draw("softmaxCrossEntropy", lambda t, x: -(t * torch.log_softmax(x, -1)).sum(-1).mean(), [(s, 0.1, 1), s])
    draw("sigmoidCrossEntropy", lambda t, x: (F.softplus(x) - t * x).mean(), [(s, 0.1, 1), s])
    condition = [r.randint(0, 1) for _ in range(math.prod(s))]
    draw("where", lambda a, b: torch.where(torch.tensor(condition).reshape(s) == 1, a * b, a), [s, s], condition=condition)
for exponent in (0, 1, 2, 3):  # at zero, where a power below zero is infinite
    draw("powOfZero", lambda x: torch.pow(x, float(exponent)), [([3], 0, 0)], exponent=exponent)

# --- along axes -------------------------------------------------------------------------------------------------------

for _ in range(6):
    s = shape(1, 4)
    axes, keep = axes_of(len(s)), r.random() < 0.5
    attrs = {"axis": [signed(a, len(s)) for a in axes], "keep": keep}
    draw("sum", lambda x: (x * x).sum(axes, keepdim=keep), [s], **attrs)
    draw("mean", lambda x: (x * x).mean(axes, keepdim=keep), [s], **attrs)
    draw("max", lambda x: x.amax(axes, keepdim=keep), [s], **attrs)
    draw("min", lambda x: x.amin(axes, keepdim=keep), [s], **attrs)
    draw("logSumExp", lambda x: torch.logsumexp(x, axes, keepdim=keep), [s], **attrs)
    draw("norm", lambda x: torch.sqrt((x * x).sum(axes, keepdim=keep)), [s], **attrs)
    draw("moments", lambda x: x.mean(axes, keepdim=keep) + x.var(axes, unbiased=False, keepdim=keep), [s], **attrs)
    draw("any", lambda x: x * (x > 1).any(dim=axes[0], keepdim=True), [s], axis=axes[0])
    draw("all", lambda x: x * (x > -1).all(dim=axes[0], keepdim=True), [s], axis=axes[0])
    draw("argMax", lambda x: x.sum(axes[0]) * x.argmax(axes[0]), [s], axis=axes[0])
    draw("argMin", lambda x: x.sum(axes[0]) * x.argmin(axes[0]), [s], axis=axes[0])
    s = [*s[:-1], s[-1] + 1]  # tfjs has no one-hot of depth 1
    draw("oneHot", lambda x: x * F.one_hot(x.argmax(-1), s[-1]), [s])

    def prod(x, axes, keep):
        for axis in sorted(axes, reverse=True):
            x = x.prod(axis, keepdim=keep)
        return x

    s = shape(1, 4, 3)
    axes, axis, keep, exclusive, reverse = axes_of(len(s)), r.randrange(len(s)), *(r.random() < 0.5 for _ in range(3))
    draw("prod", lambda x: prod(x, axes, keep), [s], axis=[signed(a, len(s)) for a in axes], keep=keep)
    zeros = [r.randint(0, 1) for _ in range(math.prod(s))]
    draw("prodOfZeros", lambda x: prod(x * torch.tensor(zeros).reshape(s), axes, keep), [s], axis=axes, keep=keep, mask=zeros)

    def run(x, one):
        x = x.flip(axis) if reverse else x
        y = one(x, axis)
        if exclusive:
            y = torch.cat([torch.full_like(y.narrow(axis, 0, 1), 0 if one is torch.cumsum else 1), y.narrow(axis, 0, y.shape[axis] - 1)], axis)
        return y.flip(axis) if reverse else y

    attrs = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
    draw("cumsum", lambda x: run(x * x, torch.cumsum), [s], **attrs)
    draw("cumprod", lambda x: run(x, torch.cumprod), [s], **attrs)
    draw("cumprodOfZeros", lambda x: run(x * torch.tensor(zeros).reshape(s), torch.cumprod), [s], mask=zeros, **attrs)
    s = shape(1, 3, 5)
    k = r.randint(1, s[-1])
    draw("topk", lambda x: torch.topk(x * x, k).values, [(s, 0.1, 2)], k=k)

def shuffle(x, b):
    a, h, w, c = x.shape
    return x.reshape(a, h, w, b, b, c // (b * b)).permute(0, 1, 3, 2, 4, 5).reshape(a, h * b, w * b, c // (b * b))


# --- movement ---------------------------------------------------------------------------------------------------------

for turn in range(6):
    s = shape(1, 4)
    n = len(s)
    perm = r.sample(range(n), n)
    draw("transpose", lambda x: (x * x).permute(perm), [s], perm=perm)
    draw("reshape", lambda x: (x * x).reshape(s[::-1]), [s], shape=s[::-1])
    axis = r.randint(0, n)
    draw("expandDims", lambda x: (x * x).unsqueeze(axis), [s], axis=axis)
    axis = r.randrange(n)
    sizes = [r.randint(1, 3) for _ in range(r.randint(1, 3))]
    parts = [[size if i == axis else a for i, a in enumerate(s)] for size in sizes]
    draw("concat", lambda *xs: torch.cat([x * x for x in xs], axis), parts, axis=signed(axis, n))
    count = r.randint(1, 3)
    draw("stack", lambda *xs: torch.stack([x * x for x in xs], axis), [s] * count, axis=axis)
    draw("unstack", lambda x: sum(t * t * (i + 1) for i, t in enumerate((x * x).unbind(axis))), [s], axis=axis)
    whole = [sum(sizes) if i == axis else a for i, a in enumerate(s)]
    draw("split", lambda x: (x * x).split(sizes, axis)[-1] * 2, [whole], axis=axis, sizes=sizes)
    begin = [r.randint(0, size - 1) for size in s]
    size = [r.randint(1, a - b) for a, b in zip(s, begin)]
    draw("slice", lambda x: (x * x)[tuple(slice(b, b + c) for b, c in zip(begin, size))], [s], begin=begin, size=size)
    big = [a + 2 for a in s]
    strides = [r.choice([-3, -2, -1, 1, 2, 3]) for _ in s]
    index = [list(range(r.randint(0, 1), a, t)) if t > 0 else list(range(a - 1 - r.randint(0, 1), -1, t)) for a, t in zip(big, strides)]

    def take(x):
        for i, places in enumerate(index):
            x = x.index_select(i, torch.tensor(places))
        return x * x

    draw("stridedSlice", take, [big], begin=[i[0] for i in index], strides=strides,
         end=[i[-1] + (1 if t > 0 else -1) if i[-1] + (1 if t > 0 else -1) >= 0 else -99 for i, t in zip(index, strides)])
    # One entry for each axis or new axis: a place, all of it, or from one place to another.
    items, masks = [], {"begin": 0, "end": 0, "ellipsis": 0, "new": 0, "shrink": 0}
    begins, ends, steps = [], [], []
    ellipsis = r.randrange(n) if r.random() < 0.4 else -1
    drops = turn % 2 == 0  # not with steps: tfjs's cpu kernel then reads the wrong places
    for i, size in enumerate(s):
        for kind in (["new"] if r.random() < 0.3 else []) + ["ellipsis" if i == ellipsis else r.choice(["shrink" if drops else "part", "whole", "part"])]:
            bit, b, e, t = 1 << len(items), r.randrange(size), size, 1 if drops else r.randint(1, 2)
            if kind == "new":
                items.append(None)
                masks["new"] |= bit
            elif kind == "ellipsis":
                items.append(Ellipsis)
                masks["ellipsis"] |= bit
            elif kind == "shrink":
                items.append(b)
                masks["shrink"] |= bit
                e, t = b + 1, 1
                b = signed(b, size)
            elif kind == "whole":
                items.append(slice(None, None, t))
                masks["begin"] |= bit
                masks["end"] |= bit
            else:
                items.append(slice(b, e, t))
            begins, ends, steps = [*begins, b], [*ends, e], [*steps, t]
    draw("stridedSliceMasks", lambda x: (x * x)[tuple(items)], [s], begin=begins, end=ends, strides=steps, masks=masks)
    pads = [[r.randint(0, 2), r.randint(0, 2)] for _ in s]
    draw("pad", lambda x: F.pad(x * x, [p for pair in reversed(pads) for p in pair], value=0.5), [s], pads=pads)
    mode = r.choice(["reflect", "symmetric"])
    most = [a - 1 if mode == "reflect" else a for a in s]
    pads = [[r.randint(0, min(m, 2)), r.randint(0, min(m, 2))] for m in most]

    def mirror(x):
        for i, (before, after) in enumerate(pads):
            m, skip = x.shape[i], 1 if mode == "reflect" else 0
            x = x.index_select(i, torch.tensor([before - 1 - j + skip for j in range(before)] + list(range(m)) + [m - 1 - skip - j for j in range(after)]))
        return x * x

    draw("mirrorPad", mirror, [s], pads=pads, mode=mode)
    flips = axes_of(n)
    draw("reverse", lambda x: (x * x).flip(flips), [s], axis=[signed(a, n) for a in flips])
    reps = [r.randint(1, 3) for _ in s]
    draw("tile", lambda x: (x * x).repeat(reps), [s], reps=reps)
    draw("broadcastTo", lambda x: (x * x).expand([2, *[3 if a == 1 else a for a in s]]), [s], shape=[2, *[3 if a == 1 else a for a in s]])
    axis = r.randrange(n)
    indices = [r.randrange(s[axis]) for _ in range(r.randint(1, 4))]
    draw("gather", lambda x: (x * x).index_select(axis, torch.tensor(indices)), [s], axis=signed(axis, n), indices=indices)
    square = [[r.randrange(s[axis]) for _ in range(2)] for _ in range(2)]
    draw("gatherSquare", lambda x: torch.stack([torch.stack([(x * x).select(axis, i) for i in row], axis) for row in square], axis), [s], axis=axis, indices=square)
    b = [2, *s]
    batched = [[r.randrange(b[1 + axis]) for _ in range(3)] for _ in range(2)]
    draw("gatherBatch", lambda x: torch.stack([(x * x)[i].index_select(axis, torch.tensor(batched[i])) for i in range(2)]), [b], axis=1 + axis, indices=batched)
    rank = r.randint(1, n)
    places = [[r.randrange(a) for a in s[:rank]] for _ in range(3)]
    draw("gatherND", lambda x: torch.stack([(x * x)[tuple(p)] for p in places]), [s], indices=places)
    draw("scatterND", lambda x: torch.zeros(s).index_put(tuple(torch.tensor(places).T), x * x, accumulate=True), [[3, *s[rank:]]], indices=places, shape=s)
    apart = [list(p) for p in {tuple(p) for p in places}]
    draw("tensorScatterUpdate", lambda x, u: (x * x).index_put(tuple(torch.tensor(apart).T), u * u), [s, [len(apart), *s[rank:]]], indices=apart)
    segments = [r.randint(-1, 2) for _ in range(s[0])]
    draw("unsortedSegmentSum", lambda x: torch.stack([sum([x[i] * x[i] for i, g in enumerate(segments) if g == k], torch.zeros(s[1:])) for k in range(3)]), [s], segments=segments)
    few = shape(1, 2, 3)
    draw("diag", lambda x: torch.diag((x * x).reshape(-1)).reshape(few * 2), [few])
    block = r.choice([2, 3])
    blocks = [r.randint(1, 2), r.randint(1, 2), r.randint(1, 2), block * block * r.randint(1, 2)]
    last = turn % 2 == 0
    draw("depthToSpace" if last else "depthToSpaceFirst", lambda x: shuffle(x * x, block) if last else shuffle((x * x).permute(0, 2, 3, 1), block).permute(0, 3, 1, 2),
         [blocks if last else [blocks[0], blocks[3], *blocks[1:3]]], block=block, format="NHWC" if last else "NCHW")
    draw("flipLeftRight", lambda x: (x * x).flip(2), [[r.randint(1, 3) for _ in range(4)]])

    bh, bw = r.randint(1, 2), r.randint(1, 3)
    h, w, c = bh * r.randint(1, 2), bw * r.randint(1, 2), r.randint(1, 2)
    top, left = r.randint(0, bh), r.randint(0, bw)
    pads = [[top, (-(h + top)) % bh], [left, (-(w + left)) % bw]]

    def to_batch(x):
        x = F.pad(x * x, (0, 0, *pads[1], *pads[0]))
        a, h, w, c = x.shape
        return x.reshape(a, h // bh, bh, w // bw, bw, c).permute(2, 4, 0, 1, 3, 5).reshape(bh * bw * a, h // bh, w // bw, c)

    draw("spaceToBatch", to_batch, [[2, h, w, c]], block=[bh, bw], pads=pads)
    crops = [[r.randint(0, 1), 0], [0, r.randint(0, 1)]]

    def from_batch(x):
        a, h, w, c = x.shape
        x = (x * x).reshape(bh, bw, a // (bh * bw), h, w, c).permute(2, 3, 0, 4, 1, 5).reshape(a // (bh * bw), h * bh, w * bw, c)
        return x[:, crops[0][0]:, :x.shape[2] - crops[1][1]]

    draw("batchToSpace", from_batch, [[bh * bw, 2, 2, c]], block=[bh, bw], crops=crops)

# --- products ---------------------------------------------------------------------------------------------------------

for _ in range(8):
    m, k, n = (r.randint(1, 4) for _ in range(3))
    ta, tb = r.random() < 0.5, r.random() < 0.5
    batch = shape(0, 2, 3) if r.random() < 0.7 else []
    other = [1 if r.random() < 0.4 else b for b in batch]
    two = [batch, other]
    r.shuffle(two)
    draw("matMul", lambda a, b: (a.mT if ta else a) @ (b.mT if tb else b),
         [[*two[0], *([k, m] if ta else [m, k])], [*two[1], *([n, k] if tb else [k, n])]], transpose=[ta, tb])
    activation = r.choice(["linear", "relu", "sigmoid", "elu", "relu6", "leakyrelu"])
    act = {"linear": lambda x: x, "relu": torch.relu, "sigmoid": torch.sigmoid, "elu": F.elu, "relu6": F.relu6, "leakyrelu": lambda x: F.leaky_relu(x, 0.2)}[activation]
    draw("fusedMatMul", lambda a, b, c: act((a.mT if ta else a) @ (b.mT if tb else b) + c),
         [[k, m] if ta else [m, k], [n, k] if tb else [k, n], [n]], transpose=[ta, tb], activation=activation)
for equation, shapes in {"ij,jk->ik": ([2, 3], [3, 2]), "bij,bjk->bki": ([2, 3, 2], [2, 2, 3]), "bhqd,bhkd->bhqk": ([1, 2, 3, 2], [1, 2, 2, 2]), "ij,ij->": ([2, 3], [2, 3]),
                         "ij->ji": ([2, 3],), "ijk->j": ([3, 2, 2],), "i,j->ij": ([3], [2]), "abc,bd->acd": ([2, 3, 2], [3, 2]), "bhwc,bc->bhwc": ([2, 2, 2, 3], [2, 3])}.items():
    draw("einsum", lambda *xs: torch.einsum(equation, *[x * x for x in xs]), shapes, equation=equation)

# --- convolutions, pools, resizes -------------------------------------------------------------------------------------


def window(size, k, stride, pad, d=1, rounding="floor", volume=False):
    """Pads before and after, and the number of windows, as tfjs has them. `pad`: same, valid, or a pair. In volumes
    whose stride is wider than the window, `same` cuts cells off (a pad below zero)."""
    span = (k - 1) * d + 1
    if pad == "same":
        count = math.ceil(size / stride)
        total = (count - 1) * stride + span - size
        total = total if volume else max(0, total)
        return total // 2, total - total // 2, count
    before, after = (0, 0) if pad == "valid" else pad
    full = (size + before + after - span) / stride
    return before, after, (math.ceil(full) if rounding == "ceil" else math.floor(full)) + 1


def first_last(x):
    """Channels from last to second."""
    return x.permute(0, -1, *range(1, x.dim() - 1))


def last_first(x):
    return x.permute(0, *range(2, x.dim()), 1)


def windowed(x, k, strides, pads, dilations, rounding="floor", value=0.0):
    """x, channels second, padded so that valid windows are tfjs's."""
    flat = []
    for size, one, s, p, d in zip(x.shape[2:], k, strides, pads, dilations):
        before, after, count = window(size, one, s, p, d, rounding, len(k) == 3)
        reach = (count - 1) * s + (one - 1) * d + 1
        flat.append((before, max(after, reach - size - before) if before >= 0 else reach - size - before))
    return F.pad(x, [p for pair in reversed(flat) for p in pair], value=value)


def taps_of(x, k, strides, counts, dilations):
    """Of each place in a window (channels second), the cells of x that it meets."""
    for at in itertools.product(*map(range, k)):
        cells = (slice(i * d, i * d + (c - 1) * s + 1, s) for i, s, c, d in zip(at, strides, counts, dilations))
        yield at, x[(slice(None), slice(None), *cells)]


def conv(x, f, strides, pads, dilations=None, groups=1, rounding="floor"):
    """A sum over the places of the filter, so that it can be differentiated as often as one likes."""
    n = f.dim() - 2
    k, dilations = f.shape[:n], dilations or [1] * n
    counts = [window(size, a, s, p, d, rounding)[2] for size, a, s, p, d in zip(x.shape[1:-1], k, strides, pads, dilations)]
    padded = windowed(first_last(x), k, strides, pads, dilations, rounding)
    y = 0
    for at, cells in taps_of(padded, k, strides, counts, dilations):
        cells = last_first(cells)
        grouped = cells.reshape(*cells.shape[:-1], groups, -1)
        weights = f[at].reshape(f.shape[-2], groups, -1)
        y = y + torch.einsum("...gi,igo->...go", grouped, weights).reshape(*cells.shape[:-1], -1)
    return y


def adjoint(of, y, like):
    """The transposed of a linear function at y."""
    x = torch.zeros(like, requires_grad=True)
    return torch.autograd.grad(of(x), x, y, create_graph=True)[0]


def draw_pad(k, explicit=True):
    return r.choice(["same", "valid"] + ([[r.randint(0, k - 1), r.randint(0, k - 1)]] if explicit and k > 1 else []))


for _ in range(10):
    kh, kw, cin, cout, n = r.randint(1, 3), r.randint(1, 3), r.randint(1, 2), r.randint(1, 2), r.randint(1, 2)
    dilated = r.random() < 0.4
    strides = [1, 1] if dilated else [r.randint(1, 3), r.randint(1, 3)]
    dilations = [r.randint(1, 2), 2] if dilated else [1, 1]
    h, w = (kh - 1) * dilations[0] + r.randint(1, 3), (kw - 1) * dilations[1] + r.randint(1, 4)
    pads = r.choice(["same", "valid", [[r.randint(0, 1), r.randint(0, 2)], [r.randint(0, 2), r.randint(0, 1)]]])
    both = [pads, pads] if isinstance(pads, str) else pads
    last = r.random() < 0.7
    draw("conv2d", lambda x, f: conv(x, f, strides, both, dilations) if last else first_last(conv(last_first(x), f, strides, both, dilations)),
         [[n, h, w, cin] if last else [n, cin, h, w], [kh, kw, cin, cout]], strides=strides, pad=pads, dilations=dilations, format="NHWC" if last else "NCHW")
    rounding = r.choice(["floor", "ceil", "round"])
    number = r.randint(0, 1)
    if rounding != "round" and not dilated:  # tfjs takes the height's window and stride for both axes here
        equal = [strides[0]] * 2
        draw("conv2dRounded", lambda x, f: conv(x, f, equal, [[number, number]] * 2, None, 1, rounding),
             [[n, h, h + 1, cin], [kh, kh, cin, cout]], strides=equal, pad=number, rounding=rounding)
    activation = r.choice(["linear", "relu", "sigmoid", "elu"])
    act = {"linear": lambda x: x, "relu": torch.relu, "sigmoid": torch.sigmoid, "elu": F.elu}[activation]
    named = r.choice(["same", "valid"])
    draw("fusedConv2d", lambda x, f, b: act(conv(x, f, strides, [named] * 2, dilations) + b),
         [[n, h, w, cin], [kh, kw, cin, cout], [cout]], strides=strides, pad=named, dilations=dilations, activation=activation)
    s1, d1 = (1, 2) if dilated else (strides[0], 1)
    draw("conv1d", lambda x, f: conv(x, f, [s1], [named], [d1]), [[n, h + 2, cin], [kh, cin, cout]], stride=s1, pad=named, dilation=d1)
    st = [r.randint(1, 3), r.randint(1, 3)]
    out = [n, *(window(a * s, k, s, "same")[2] * s if named == "same" else (a - 1) * s + k for a, s, k in zip((2, 3), st, (kh, kw))), cout]
    draw("conv2dTranspose", lambda y, f: adjoint(lambda x: conv(x, f, st, [named] * 2), y, out), [[n, 2, 3, cin], [kh, kw, cout, cin]], strides=st, pad=named, shape=out)
    multiplier = r.randint(1, 2)
    even = [strides[0]] * 2
    deep = lambda x, f, p, s, d: conv(x, f.reshape(kh, kw, 1, cin * multiplier), s, p, d, cin)
    draw("depthwiseConv2d", lambda x, f: deep(x, f, both, even, dilations), [[n, h, w, cin], [kh, kw, cin, multiplier]], strides=even, pad=pads, dilations=dilations)
    draw("fusedDepthwiseConv2d", lambda x, f, b: act(deep(x, f, [named] * 2, even, dilations) + b), [[n, h, w, cin], [kh, kw, cin, multiplier], [cin * multiplier]],
         strides=even, pad=named, dilations=dilations, activation=activation)
    draw("separableConv2d", lambda x, f, p: conv(deep(x, f, [named] * 2, even, [1, 1]), p, [1, 1], ["valid"] * 2), [[n, h, w, cin], [kh, kw, cin, multiplier], [1, 1, cin * multiplier, cout]],
         strides=even, pad=named)
for _ in range(7):
    k, cin, cout, n = [r.randint(1, 3) for _ in range(3)], r.randint(1, 2), r.randint(1, 2), r.randint(1, 2)
    dilated = r.random() < 0.4
    strides = [1] * 3 if dilated else [r.randint(1, 2) for _ in range(3)]
    dilations = [r.randint(1, 2), 2, 1] if dilated else [1] * 3
    sizes = [(a - 1) * d + r.randint(1, 2) for a, d in zip(k, dilations)]
    pad = r.choice(["same", "valid"])
    draw("conv3d", lambda x, f: conv(x, f, strides, [pad] * 3, dilations), [[n, *sizes, cin], [*k, cin, cout]], strides=strides, pad=pad, dilations=dilations)
    out = [1, *(a * s if pad == "same" else (a - 1) * s + m for a, s, m in zip((2, 1, 2), strides, k)), cout]
    draw("conv3dTranspose", lambda y, f: adjoint(lambda x: conv(x, f, strides, [pad] * 3), y, out), [[1, 2, 1, 2, cin], [*k, cout, cin]], strides=strides, pad=pad, shape=out)


def pools(x, k, strides, pads, kind, rounding="floor", dilations=None):
    """Averages leave out the padding; both as sums and maxima over windows laid out."""
    n = len(k)
    dilations = dilations or [1] * n
    low = windowed(first_last(x), k, strides, pads, dilations, rounding, -1e30 if kind == "max" else 0.0)
    there = windowed(torch.ones_like(first_last(x)), k, strides, pads, dilations, rounding)
    counts = [window(size, a, s, p, d, rounding)[2] for size, a, s, p, d in zip(x.shape[1:-1], k, strides, pads, dilations)]
    taps = lambda t: torch.stack([cells for _, cells in taps_of(t, k, strides, counts, dilations)])
    return last_first(taps(low).amax(0) if kind == "max" else taps(low).sum(0) / taps(there).sum(0))


def empty_window(x, k, strides, pad):
    """Whether the last window of a pool that rounds up would lie in the padding alone: 0/0 in tfjs."""
    return any((window(size, a, s, (pad, pad), 1, "ceil")[2] - 1) * s - pad >= size for size, a, s in zip(x[1:-1], k, strides))


for _ in range(8):
    k, strides = [r.randint(1, 3), r.randint(1, 3)], [r.randint(1, 3), r.randint(1, 3)]
    if r.random() < 0.3:
        strides = k
    pad = r.choice(["same", "valid", 0 if 1 in k else 1])
    if not isinstance(pad, str):  # tfjs takes the height's window and stride for both axes here
        k, strides = [k[0]] * 2, [strides[0]] * 2
    x = [r.randint(1, 2), k[0] + r.randint(0, 4), k[1] + r.randint(0, 4), r.randint(1, 2)]
    rounding = None if isinstance(pad, str) else r.choice(["floor", "ceil"])
    both = [pad] * 2 if isinstance(pad, str) else [[pad, pad]] * 2
    if rounding == "ceil" and empty_window(x, k, strides, pad):
        rounding = "floor"
    attrs = {"size": k, "strides": strides, "pad": pad, "rounding": rounding}
    draw("avgPool", lambda x: pools(x * x, k, strides, both, "avg", rounding or "floor"), [x], **attrs)
    draw("maxPool", lambda x: pools(x, k, strides, both, "max", rounding or "floor") ** 2, [x], **attrs)
    named = pad if isinstance(pad, str) else "same"
    draw("maxPoolWithArgmax", lambda x: pools(x, k, strides, [named] * 2, "max") ** 2, [x], size=k, strides=strides, pad=named)
    dilations = [r.randint(1, 2), 2]
    wide = [1, (k[0] - 1) * dilations[0] + 2, (k[1] - 1) * dilations[1] + 3, 1]
    kind = r.choice(["avg", "max"])
    draw("pool", lambda x: pools(x, k, [1, 1], ["valid"] * 2, kind, "floor", dilations) ** 2, [wide], size=k, dilations=dilations, kind=kind)
    k3, s3 = [r.randint(1, 3) for _ in range(3)], [r.randint(1, 2) for _ in range(3)]
    x3 = [r.randint(1, 2), *(a + r.randint(0, 2) for a in k3), r.randint(1, 2)]
    p3 = r.choice(["same", "valid", 0 if 1 in k3 else 1])
    both3 = [p3] * 3 if isinstance(p3, str) else [[p3, p3]] * 3
    r3 = None if isinstance(p3, str) else "floor" if empty_window(x3, k3, s3, p3) else r.choice(["floor", "ceil"])
    attrs = {"size": k3, "strides": s3, "pad": p3, "rounding": r3}
    draw("avgPool3d", lambda x: pools(x * x, k3, s3, both3, "avg", r3 or "floor"), [x3], **attrs)
    draw("maxPool3d", lambda x: pools(x, k3, s3, both3, "max", r3 or "floor") ** 2, [x3], **attrs)


def resize(x, to, kind, align, half):
    for axis in (1, 2):
        n, m = x.shape[axis], to[axis - 1]
        scale = (n - 1) / (m - 1) if align and m > 1 else n / m
        at = [scale * (i + 0.5) if half and kind == "nearest" else scale * (i + 0.5) - 0.5 if half else scale * i for i in range(m)]
        if kind == "nearest":
            x = x.index_select(axis, torch.tensor([min(n - 1, math.floor(a + 0.5) if align else math.floor(a)) for a in at]))
        else:
            low = [min(n - 1, max(0, math.floor(a))) for a in at]
            high = [min(n - 1, math.ceil(a)) for a in at]
            part = torch.tensor([a - math.floor(a) for a in at]).reshape([-1 if i == axis else 1 for i in range(4)])
            x = x.index_select(axis, torch.tensor(low)) * (1 - part) + x.index_select(axis, torch.tensor(high)) * part
    return x


for _ in range(8):
    x = [r.randint(1, 2), r.randint(1, 4), r.randint(1, 4), r.randint(1, 2)]
    to = [x[1] * 2, x[2] * 3] if r.random() < 0.3 else [r.randint(1, 6), r.randint(1, 6)]
    align, half = r.choice([(False, False), (True, False), (False, True)])
    for kind in ("nearest", "bilinear"):
        draw(kind, lambda x: resize(x * x, to, kind, align, half), [x], size=to, align=align, half=half)

# --- normalisation ----------------------------------------------------------------------------------------------------

for _ in range(6):
    s = shape(2, 4, 3)
    c, given = s[-1], r.choice(["both", "scale", "offset", "none"])
    own = r.random() < 0.3  # statistics of the whole shape, or of the channels
    stat = s if own else [c]
    use = {"scale": given in ("both", "scale"), "offset": given in ("both", "offset")}
    inputs = [s, stat, (stat, 0.4, 2), *([stat] if use["offset"] else []), *([stat] if use["scale"] else [])]

    def norm(x, mean, var, *rest):
        rest = list(rest)
        offset = rest.pop(0) if use["offset"] else 0
        scale = rest.pop(0) if use["scale"] else 1
        return (x - mean) / torch.sqrt(var + 1e-3) * scale + offset

    draw("batchNorm", norm, inputs, **use)
    x = [r.randint(1, 2), r.randint(1, 2), r.randint(1, 2), r.randint(1, 6)]
    radius, bias, alpha, beta = r.randint(0, 5), r.uniform(0.5, 2), r.uniform(0.2, 1), r.uniform(0.3, 1.2)

    def lrn(x):
        near = torch.tensor([[float(abs(i - j) <= radius) for i in range(x.shape[3])] for j in range(x.shape[3])])
        return x * (bias + alpha * (x * x) @ near) ** -beta

    draw("localResponseNormalization", lrn, [x], radius=radius, bias=bias, alpha=alpha, beta=beta)

# --- blocks of GANs ---------------------------------------------------------------------------------------------------


def unit(t):
    return t / torch.sqrt((t * t).sum() + 1e-12)


def demodulated(w, style):
    """Filters (h, w, in, out) of each sample: (batch, h, w, in, out)."""
    each = w[None] * style[:, None, None, :, None]
    return each * torch.rsqrt((each * each).sum((1, 2, 3), keepdim=True) + 1e-8)


for _ in range(4):
    n, h, w, c, o = r.randint(2, 3), r.randint(2, 3), r.randint(2, 3), r.randint(1, 3), r.randint(1, 2)
    x = [n, h, w, c]
    labels = [r.randrange(3) for _ in range(n)]
    t = torch.tensor(labels)
    inorm = lambda x: (x - x.mean((1, 2), keepdim=True)) / torch.sqrt(x.var((1, 2), unbiased=False, keepdim=True) + 1e-2)
    draw("instanceNorm", lambda x, g, b: inorm(x) * g + b, [x, [c], [c]])
    draw("adaIN", lambda x, s: inorm(x) * s[:, None, None, :c] + s[:, None, None, c:], [x, [n, 2 * c]])
    bnorm = lambda x: (x - x.mean((0, 1, 2))) / torch.sqrt(x.var((0, 1, 2), unbiased=False) + 1e-2)
    draw("conditionalBatchNorm", lambda x, g, b: bnorm(x) * g[t][:, None, None] + b[t][:, None, None], [x, [3, c], [3, c]], labels=labels)
    draw("projection", lambda x, e, d: (x.sum((1, 2)) * e[t]).sum(1, keepdim=True) + x.sum((1, 2)) @ d, [x, [3, c], [c, 1]], labels=labels)
    draw("modulatedConv", lambda x, f, s: torch.cat([conv(x[i:i + 1], demodulated(f, s)[i], [1, 1], ["same"] * 2) for i in range(n)]), [x, [3, 3, c, o], [n, c]])
    up = lambda x: adjoint(lambda y: conv(y, torch.ones(3, 3, 1, 1) / 9, [2, 2], ["same"] * 2), x, [n, 2 * h, 2 * w, 1])
    draw("upfirdn", lambda x: up(x * x), [[n, h, w, 1]])

    def spectral(x, weight, u):
        flat = weight.reshape(-1, o)
        v = unit(flat @ u[:, None]).detach()
        u1 = unit(flat.T @ v).detach()
        return conv(x, weight / (v.T @ flat @ u1).squeeze(), [1, 1], ["same"] * 2)

    draw("spectralNorm", lambda x, f, u: torch.tanh(spectral(x, f, u.detach())), [x, [3, 3, c, o], [o]])

    def attention(x, q, k, v, gamma):
        flat = x.reshape(n, h * w, c)
        return x + gamma * (torch.softmax((flat @ q) @ (flat @ k).mT, -1) @ (flat @ v)).reshape(n, h, w, c)

    draw("attention", attention, [x, [c, 2], [c, 2], [c, c], []])

    def heads(x, q, k, v):
        split = lambda t: t.reshape(n, h * w, 2, 2).permute(0, 2, 1, 3)
        a, b, d = (split(x.reshape(n, h * w, c) @ m) for m in (q, k, v))
        return (torch.softmax(a @ b.mT / math.sqrt(2), -1) @ d).permute(0, 2, 1, 3).reshape(n, h * w, 4)

    draw("multiHead", heads, [x, [c, 4], [c, 4], [c, 4]])

    def deviation(x, group):
        y = x.reshape(group, -1, *x.shape[1:])
        y = torch.sqrt(y.var(0, unbiased=False) + 1e-8).mean((1, 2, 3), keepdim=True)
        return torch.cat([x, y.repeat(group, x.shape[1], x.shape[2], 1)], 3)

    group = r.choice([2, 4])
    draw("minibatchStd", lambda x: deviation(x, group), [[4, h, w, c]], group=group)
    draw("pixelShuffleUp", lambda x, f: F.leaky_relu(shuffle(conv(x, f, [1, 1], ["same"] * 2), 2), 0.2), [x, [3, 3, c, 4 * o]])

    draw("pixelNorm", lambda x: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-8), [x])
    draw("selfModulatedResidual", lambda x, f, z: F.relu(conv(resize(inorm(x) * (1 + z[:, None, None]), [2 * h, 2 * w], "nearest", False, False), f, [1, 1], ["same"] * 2))
         + resize(x, [2 * h, 2 * w], "bilinear", False, True)[..., :1], [x, [3, 3, c, o], [n, c]])
    draw("downResidual", lambda x, f: pools(F.leaky_relu(conv(x, f, [1, 1], ["same"] * 2), 0.2), [2, 2], [2, 2], ["valid"] * 2, "avg") + pools(x, [2, 2], [2, 2], ["valid"] * 2, "avg")[..., :1],
         [[n, 2 * h, 2 * w, c], [3, 3, c, o]])

    def gru(x, kernel, recurrent, bias):
        state = torch.zeros(n, 2)
        for step in range(h):
            a, b = x[:, step] @ kernel + bias, state @ recurrent
            z, reset = torch.sigmoid(a[:, :2] + b[:, :2]), torch.sigmoid(a[:, 2:4] + b[:, 2:4])
            new = torch.tanh(a[:, 4:] + (reset * state) @ recurrent[:, 4:])
            state = z * state + (1 - z) * new
        return state

    draw("gru", gru, [[n, h, c], [c, 6], [2, 6], [6]])

    def lstm(x, kernel, recurrent, bias):
        hidden, cell = torch.zeros(n, 2), torch.zeros(n, 2)
        for step in range(h):
            i, f, g, q = (x[:, step] @ kernel + hidden @ recurrent + bias).split(2, 1)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            hidden = torch.sigmoid(q) * torch.tanh(cell)
        return hidden

    draw("lstm", lstm, [[n, h, c], [c, 8], [2, 8], [8]])

out = pathlib.Path(__file__).with_name("drawn-gradients.json")
rows = ",\n".join(json.dumps({"name": name, "draws": draws}, separators=(",", ":")) for name, draws in ops.items())
out.write_text('{"torch":"' + torch.__version__.split("+")[0] + '","ops":[\n' + rows + "\n]}\n")
print(out.name, len(ops), "ops", sum(map(len, ops.values())), "draws", out.stat().st_size, "bytes")
