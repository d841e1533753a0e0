"""Cases of layers with weights from a file: what they give, and the gradients of inputs and weights."""

import torch
import torch.nn.functional as F

from case import Case, tensor

ACTS = {"linear": lambda x: x, "relu": F.relu, "tanh": torch.tanh, "gelu": F.gelu}


def images(x):
    """[B, H, W, C] to torch's order, and back."""
    return x.permute(0, 3, 1, 2)


def rows(y):
    return y.permute(0, 2, 3, 1)


def dense():
    c = Case("dense", "Dense, with and without bias, on rows and on rows of rows")
    c.declarations = ("model a(x: [B, 4]) = x |> Dense(3)\nmodel b(x: [B, 4]) = x |> Dense(3, tanh, bias=false)\n"
                      "model c(x: [B, 4]) = x |> Dense(5, relu) |> Dense(2)\nmodel d(x: [B, T, 4]) = x |> Dense(2)\n")
    x, r = c.let("x", c.numbers(3, 4)), c.let("r", c.numbers(2, 3, 4))
    aW, ab, bW = c.weight("a.Dense.W", 4, 3), c.weight("a.Dense.b", 3), c.weight("b.Dense.W", 4, 3)
    c0, c0b = c.weight("c.Dense.0.W", 4, 5), c.weight("c.Dense.0.b", 5)
    c1, c1b = c.weight("c.Dense.1.W", 5, 2), c.weight("c.Dense.1.b", 2)
    dW, db = c.weight("d.Dense.W", 4, 2), c.weight("d.Dense.b", 2)
    c.both("a(x)", F.linear(x, aW.T, ab))
    c.both("b(x)", torch.tanh(F.linear(x, bW.T)))
    c.both("c(x)", F.linear(F.relu(F.linear(x, c0.T, c0b)), c1.T, c1b))
    c.both("d(r)", F.linear(r, dW.T, db))
    return c


def conv2d(x, kernel, bias=None, stride=1, pad="same", groups=1, dilation=1):
    """torch's conv2d on our order, padded as language.md 8 says."""
    if pad == "same":
        reach = [(size - 1) * dilation + 1 for size in kernel.shape[:2]]
        front = [(r - 1) // 2 for r in reach]
        x = F.pad(images(x), (front[1], reach[1] - 1 - front[1], front[0], reach[0] - 1 - front[0]))
    else:
        x = images(x)
    return rows(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, stride, 0, dilation, groups))


def convolutions():
    c = Case("convolutions", "Conv2D: padding, stride, groups")
    c.declarations = ("model a(x: [B, 5, 5, 2]) = x |> Conv2D(3, 3)\n"
                      "model b(x: [B, 5, 5, 2]) = x |> Conv2D(2, 3, tanh, stride=2)\n"
                      'model c(x: [B, 5, 5, 2]) = x |> Conv2D(2, 2, pad="valid", bias=false)\n'
                      "model d(x: [B, 5, 5, 2]) = x |> Conv2D(4, 3, groups=2)\n"
                      'model e(x: [B, 5, 5, 2]) = x |> Conv2D(2, 2, stride=2, pad="same")\n')
    x = c.let("x", c.numbers(1, 5, 5, 2))
    w = {n: c.weight(f"{n}.Conv2D.K", *shape) for n, shape in
         {"a": (3, 3, 2, 3), "b": (3, 3, 2, 2), "c": (2, 2, 2, 2), "d": (3, 3, 1, 4), "e": (2, 2, 2, 2)}.items()}
    bias = {n: c.weight(f"{n}.Conv2D.b", size) for n, size in {"a": 3, "b": 2, "d": 4, "e": 2}.items()}
    c.both("a(x)", conv2d(x, w["a"], bias["a"]))
    c.both("b(x)", torch.tanh(conv2d(x, w["b"], bias["b"], 2)))
    c.both("c(x)", conv2d(x, w["c"], pad="valid"))
    c.both("d(x)", conv2d(x, w["d"], bias["d"], groups=2))
    c.both("e(x)", conv2d(x, w["e"], bias["e"], 2))
    return c


def windows():
    c = Case("windows", "conv2d and max_pool as functions")
    x, k = c.let("x", c.numbers(1, 6, 5, 2)), c.let("k", c.numbers(3, 3, 2, 2))
    c.both('conv2d(x, k, pad="valid")', conv2d(x, k, pad="valid"))
    c.both("conv2d(x, k, dilation=2)", conv2d(x, k, dilation=2))
    c.both('conv2d(x, k, stride=2, pad="valid")', conv2d(x, k, pad="valid", stride=2))
    c.both("max_pool(x, 2)", rows(F.max_pool2d(images(x), 2)))
    c.both("max_pool(x, 3, stride=2)", rows(F.max_pool2d(images(x), 3, 2)))
    c.both('max_pool(x, 3, stride=1, pad="same")', rows(F.max_pool2d(images(x), 3, 1, 1)))
    c.both("global_pool(x)", x.mean((1, 2)))
    return c


def more_windows():
    c = Case("more_windows", "windows of one and three dims, means of windows, other sizes")
    x, seq, k1 = c.let("x", c.numbers(1, 4, 5, 2)), c.let("seq", c.numbers(1, 6, 2)), c.let("k1", c.numbers(3, 2, 2))
    volume, k3 = c.let("volume", c.numbers(1, 3, 3, 3, 1)), c.let("k3", c.numbers(2, 2, 2, 1, 2))
    c.both('conv1d(seq, k1, pad="valid")', F.conv1d(seq.mT, k1.permute(2, 1, 0)).mT)
    c.both("conv1d(seq, k1, dilation=2)", F.conv1d(seq.mT, k1.permute(2, 1, 0), padding=2, dilation=2).mT)
    c.both('conv3d(volume, k3, pad="valid")',
           F.conv3d(volume.permute(0, 4, 1, 2, 3), k3.permute(4, 3, 0, 1, 2)).permute(0, 2, 3, 4, 1))
    c.both("avg_pool(x, 2)", rows(F.avg_pool2d(images(x), 2)))
    c.both('avg_pool(x, 3, stride=1, pad="same")', rows(F.avg_pool2d(images(x), 3, 1, 1, count_include_pad=False)))
    c.both('resize(x, [8, 10], "nearest")', rows(F.interpolate(images(x), (8, 10), mode="nearest")))
    c.both('resize(x, [6, 7], "bilinear")', rows(F.interpolate(images(x), (6, 7), mode="bilinear")))
    return c


def normalisations():
    c = Case("normalisations", "BatchNorm as it is used after training, LayerNorm, RMSNorm, Embedding")
    c.declarations = ("model a(x: [B, 3]) = x |> BatchNorm()\nmodel b(x: [B, 2, 2, 3]) = x |> BatchNorm(eps=1e-3)\n"
                      "model c(x: [B, 3]) = x |> LayerNorm()\nmodel d(x: [B, 3]) = x |> RMSNorm()\n"
                      "model e(x: int<5>[B]) = x |> Embedding(3)\n")
    x, im = c.let("x", c.numbers(4, 3)), c.let("im", c.numbers(2, 2, 2, 3))
    ids = c.let("ids", torch.tensor([3, 0, 4, 3]), bound=5)
    for name, value, eps in ("a", x, 1e-5), ("b", im, 1e-3):
        scale, shift = c.weight(f"{name}.BatchNorm.scale", 3), c.weight(f"{name}.BatchNorm.shift", 3)
        center = c.state(f"{name}.BatchNorm.center", c.numbers(3))
        spread = c.state(f"{name}.BatchNorm.spread", c.numbers(3, low=0.3, high=2))
        y = F.batch_norm(value.movedim(-1, 1), center, spread, scale, shift, False, 0.0, eps).movedim(1, -1)
        c.both(f"{name}({'x' if name == 'a' else 'im'})", y)
    c.both("c(x)", F.layer_norm(x, [3], c.weight("c.LayerNorm.scale", 3), c.weight("c.LayerNorm.shift", 3), 1e-5))
    c.both("d(x)", F.rms_norm(x, [3], c.weight("d.RMSNorm.scale", 3), 1e-6))
    c.both("e(ids)", F.embedding(ids, c.weight("e.Embedding.table", 5, 3)))
    return c


def group_norms():
    c = Case("group_norms", "GroupNorm over images and rows, one group, a group a channel; PReLU")
    c.declarations = ("model a(x: [B, 2, 3, 4]) = x |> GroupNorm(2)\nmodel b(x: [B, 2, 3, 4]) = x |> GroupNorm(1)\n"
                      "model c(x: [B, 2, 3, 4]) = x |> GroupNorm(4)\nmodel d(x: [B, 2, 3, 4]) = x |> PReLU()\n")
    x = c.let("x", c.numbers(2, 2, 3, 4))
    for name, groups in ("a", 2), ("b", 1), ("c", 4):
        scale, shift = c.weight(f"{name}.GroupNorm.scale", 4), c.weight(f"{name}.GroupNorm.shift", 4)
        c.both(f"{name}(x)", rows(F.group_norm(images(x), groups, scale, shift, 1e-5)))
    c.both("d(x)", rows(F.prelu(images(x), c.weight("d.PReLU.slope", 4))))
    return c


def separable():
    c = Case("separable", "DepthwiseConv2D and SeparableConv2D")
    c.declarations = ("model a(x: [B, 4, 4, 2]) = x |> DepthwiseConv2D(3, multiple=2)\n"
                      "model b(x: [B, 4, 4, 2]) = x |> SeparableConv2D(3, 3, tanh)\n")
    x = c.let("x", c.numbers(1, 4, 4, 2))
    k, b = c.weight("a.DepthwiseConv2D.Conv2D.K", 3, 3, 1, 4), c.weight("a.DepthwiseConv2D.Conv2D.b", 4)
    c.both("a(x)", conv2d(x, k, b, groups=2))
    at = "b.SeparableConv2D.Conv2D."
    deep, wide = c.weight(at + "0.K", 3, 3, 1, 2), c.weight(at + "1.K", 1, 1, 2, 3)
    c.both("b(x)", torch.tanh(conv2d(conv2d(x, deep, groups=2), wide, c.weight(at + "1.b", 3))))
    return c


def residual():
    c = Case("residual", "ResBlock as it is used after training, with and without a convolution on the way around")
    c.declarations = ("model a(x: [B, 4, 4, 2]) = x |> ResBlock(2)\n"
                      "model b(x: [B, 4, 4, 2]) = x |> ResBlock(3, stride=2)\n")
    x = c.let("x", c.numbers(1, 4, 4, 2))

    def norm(path, y, size):
        scale, shift = c.weight(path + ".scale", size), c.weight(path + ".shift", size)
        center, spread = c.state(path + ".center", c.numbers(size)), c.state(path + ".spread", c.numbers(size, low=0.5))
        return rows(F.batch_norm(images(y), center, spread, scale, shift, False, 0.0, 1e-5))

    for name, size, stride in ("a", 2, 1), ("b", 3, 2):
        at = f"{name}.ResBlock."
        y = conv2d(x, c.weight(at + "Conv2D.0.K", 3, 3, 2, size), stride=stride)
        y = F.relu(norm(at + "BatchNorm.0", y, size))
        y = norm(at + "BatchNorm.1", conv2d(y, c.weight(at + "Conv2D.1.K", 3, 3, size, size)), size)
        skip = x
        if name == "b":
            skip = norm(at + "BatchNorm.2", conv2d(x, c.weight(at + "Conv2D.2.K", 1, 1, 2, size), stride=2), size)
        c.both(f"{name}(x)", F.relu(y + skip))
    return c


def batch_norm_training():
    """Three steps of SGD. Our running variance is that of the batch (over n), as in Keras and the paper; torch's
    is over n - 1, so the states are kept here by hand."""
    c = Case("batch_norm_training", "a net with BatchNorm after three steps, as it is used afterwards", f32=3e-5)
    x, y = c.numbers(6, 3), c.numbers(6, 2)
    w = {n: c.weight(f"net.{n}", *shape).clone().detach().requires_grad_(True) for n, shape in
         {"Dense.0.W": (3, 4), "Dense.0.b": (4,), "BatchNorm.scale": (4,), "BatchNorm.shift": (4,),
          "Dense.1.W": (4, 2), "Dense.1.b": (2,)}.items()}
    center, spread = torch.zeros(4), torch.ones(4)
    c.state("net.BatchNorm.center", center), c.state("net.BatchNorm.spread", spread)
    c.declarations = (f"fn x() = {tensor(x)}\nfn y() = {tensor(y)}\n"
                      "model net(x: [B, 3]) = x |> Dense(4) |> BatchNorm() |> tanh |> Dense(2)\n")
    c.events = "train fit { steps = 3; minimize mse(net(x()), y()) using sgd(0.1) }\n"

    def net(training):
        h = F.linear(x, w["Dense.0.W"].T, w["Dense.0.b"])
        m, v = (h.mean(0), h.var(0, correction=0)) if training else (center, spread)
        h = torch.tanh((h - m) / torch.sqrt(v + 1e-5) * w["BatchNorm.scale"] + w["BatchNorm.shift"])
        return F.linear(h, w["Dense.1.W"].T, w["Dense.1.b"]), m.detach(), v.detach()

    optimizer = torch.optim.SGD(list(w.values()), 0.1)
    for _ in range(3):
        out, m, v = net(True)
        optimizer.zero_grad()
        F.mse_loss(out, y).backward()
        optimizer.step()
        center, spread = 0.9 * center + 0.1 * m, 0.9 * spread + 0.1 * v
    c.check("net(x())", net(False)[0])
    return c


def noise():
    """With w for the loss, a step of SGD leaves minus the mean of what a layer gives while training, its mean square,
    and its share of zeros."""
    c = Case("noise", "layers of noise while training: mean, mean square, share of zeros; and that they rest afterwards",
             f32=1e-2, f64=1e-2)
    ones = torch.ones(400, 500)
    gauss = torch.randn(400, 500)
    c.declarations = "layer Three()() -> [3] { param w: [3] = 0; w }\n"
    for i, (layer, y) in enumerate({
        "Dropout(0.3)": F.dropout(ones, 0.3, training=True),
        "AlphaDropout(0.3)": F.alpha_dropout(ones, 0.3, training=True),
        "GaussianNoise(0.5)": ones + 0.5 * gauss,
        "GaussianDropout(0.3)": ones * (1 + (0.3 / 0.7) ** 0.5 * gauss),
        "SpatialDropout(0.3)": F.dropout2d(torch.ones(400, 500, 1, 2), 0.3, training=True),
    }.items()):
        shape = "400, 1, 2, 500" if "Spatial" in layer else "400, 500"
        c.declarations += f"model means{i} = Three()\nmodel m{i}(x: [{'B, H, W, C' if 'Sp' in layer else 'B, C'}]) = x |> {layer}\n"
        c.events += (f"train fit{i} {{ steps = 1; let y = m{i}(ones([{shape}]))\n  minimize -sum(means{i}() * "
                     f"stack([mean(y), mean(y ** 2), mean(float(y == 0))])) using sgd(1.0)\n}}\n")
        c.check(f"means{i}()", torch.stack([y.mean(), (y ** 2).mean(), (y == 0).double().mean()]), label=layer)
        c.check(f"max(abs(m{i}(ones([{shape}])) - 1))", 0.0, label=layer + " afterwards")
    return c


def recurrent():
    """torch's gates stand in our order; its second bias is 0, and 1 for the forget gate, which we add ourselves."""
    c = Case("recurrent", "RNN, LSTM, GRU over five steps")
    x = c.let("x", c.numbers(2, 5, 3))
    c.declarations = "".join(f"model {name.lower()}(x: [B, T, 3]) = x |> {name}(2)\n" for name in ("RNN", "LSTM", "GRU"))
    for name, gates in ("RNN", 1), ("LSTM", 4), ("GRU", 3):
        weights = gate_weights(c, f"{name.lower()}.{name}.", gates, name)
        layer = getattr(torch.nn, name)(3, 2, batch_first=True)
        y, _ = torch.func.functional_call(layer, weights, (x,))
        c.both(f"{name.lower()}(x)", y)
    return c


def recurrent_ends():
    """Padded steps leave the carry: what a row gives at its last kept step stays. Backwards in a Bidirectional."""
    c = Case("recurrent_ends", "recurrent layers with padded steps, and both ways")
    x = c.let("x", c.numbers(2, 4, 3))
    keep = c.let("keep", torch.tensor([[True, True, True, False], [True, True, False, False]]))
    c.declarations = ("model lstm(x: [B, T, 3], keep: bool[B, T]) = LSTM(2)(x, keep=keep)\n"
                      "model gru(x: [B, T, 3], keep: bool[B, T]) = GRU(2)(x, keep=keep)\n"
                      "model both(x: [B, T, 3]) = x |> Bidirectional(GRU(2), GRU(2))\n")
    for name, gates in ("LSTM", 4), ("GRU", 3):
        w = gate_weights(c, f"{name.lower()}.{name}.", gates, name)
        layer = getattr(torch.nn, name)(3, 2, batch_first=True)
        parts = []
        for row, length in (0, 3), (1, 2):
            y, _ = torch.func.functional_call(layer, w, (x[row:row + 1, :length],))
            parts.append(torch.cat([y, y[:, -1:].expand(1, 4 - length, 2)], 1))
        c.both(f"{name.lower()}(x, keep)", torch.cat(parts))
    layer, ways = torch.nn.GRU(3, 2, batch_first=True), []
    for side, flip in ("forward", False), ("backward", True):
        w = gate_weights(c, f"both.Bidirectional.{side}.", 3, "GRU")
        y, _ = torch.func.functional_call(layer, w, (x.flip(1) if flip else x,))
        ways.append(y.flip(1) if flip else y)
    c.both("both(x)", torch.cat(ways, -1))
    return c


def gate_weights(c, at, gates, name):
    wx, wh, b = c.weight(at + "Wx", 3, 2 * gates), c.weight(at + "Wh", 2, 2 * gates), c.weight(at + "b", 2 * gates)
    second = torch.zeros(2 * gates)
    if name == "LSTM":
        second[2:4] = 1
    return {"weight_ih_l0": wx.T, "weight_hh_l0": wh.T, "bias_ih_l0": b, "bias_hh_l0": second}


def attention(heads, x, qkv, out, mask=None):
    layer = torch.nn.MultiheadAttention(x.shape[-1], heads, bias=False, batch_first=True)
    weights = {"in_proj_weight": qkv.T, "out_proj.weight": out.T}
    return torch.func.functional_call(layer, weights, (x, x, x), {"attn_mask": mask, "need_weights": False})[0]


def attentions():
    c = Case("attentions", "Attention, with and without looking ahead")
    c.declarations = ("model a(x: [B, T, 4]) = x |> Attention(2)\n"
                      "model b(x: [B, T, 4]) = x |> Attention(1, causal=true)\n")
    x = c.let("x", c.numbers(2, 3, 4))
    for name, heads, mask in ("a", 2, None), ("b", 1, torch.triu(torch.ones(3, 3), 1) > 0):
        qkv, out = c.weight(f"{name}.Attention.qkv.W", 4, 12), c.weight(f"{name}.Attention.out.W", 4, 4)
        c.both(f"{name}(x)", attention(heads, x, qkv, out, mask))
    return c


def transformer():
    c = Case("transformer", "Transformer, which normalises before each part")
    c.declarations = "model a(x: [B, T, 4]) = x |> Transformer(2)\n"
    x = c.let("x", c.numbers(1, 3, 4))
    w = {n: c.weight(f"a.Transformer.{n}", *shape) for n, shape in
         {"LayerNorm.0.scale": (4,), "LayerNorm.0.shift": (4,), "LayerNorm.1.scale": (4,), "LayerNorm.1.shift": (4,),
          "Attention.qkv.W": (4, 12), "Attention.out.W": (4, 4), "Dense.0.W": (4, 16), "Dense.0.b": (16,),
          "Dense.1.W": (16, 4), "Dense.1.b": (4,)}.items()}
    layer = torch.nn.TransformerEncoderLayer(4, 2, 16, 0.0, "gelu", norm_first=True, batch_first=True)
    names = {"self_attn.in_proj_weight": w["Attention.qkv.W"].T, "self_attn.out_proj.weight": w["Attention.out.W"].T,
             "self_attn.in_proj_bias": torch.zeros(12), "self_attn.out_proj.bias": torch.zeros(4),
             "linear1.weight": w["Dense.0.W"].T, "linear1.bias": w["Dense.0.b"], "linear2.weight": w["Dense.1.W"].T,
             "linear2.bias": w["Dense.1.b"]}
    for i in range(2):
        names |= {f"norm{i + 1}.weight": w[f"LayerNorm.{i}.scale"], f"norm{i + 1}.bias": w[f"LayerNorm.{i}.shift"]}
    c.both("a(x)", torch.func.functional_call(layer, names, (x,)))
    return c


def sequences():
    c = Case("sequences", "Conv1D: padding, causal padding, stride")
    c.declarations = ('model a(x: [B, T, 2]) = x |> Conv1D(3, 3)\nmodel b(x: [B, T, 2]) = x |> Conv1D(2, 3, pad="causal")\n'
                      "model c(x: [B, T, 2]) = x |> Conv1D(2, 2, tanh, stride=2)\n")
    x = c.let("x", c.numbers(2, 6, 2))
    for name, filters, size, stride, front, back in ("a", 3, 3, 1, 1, 1), ("b", 2, 3, 1, 2, 0), ("c", 2, 2, 2, 0, 1):
        k, b = c.weight(f"{name}.Conv1D.K", size, 2, filters), c.weight(f"{name}.Conv1D.b", filters)
        y = F.conv1d(F.pad(x.mT, (front, back)), k.permute(2, 1, 0), b, stride).mT
        c.both(f"{name}(x)", torch.tanh(y) if name == "c" else y)
    return c


CASES = [dense, convolutions, windows, more_windows, normalisations, group_norms, separable, residual,
         batch_norm_training, noise, recurrent, recurrent_ends,
         attentions, transformer, sequences]
