"""Cases of pure functions: activations, losses, elementwise functions, reductions, shapes, indices, windows."""

import torch
import torch.nn.functional as F

from case import Case


def all_both(case, rows):
    for text, value in rows.items():
        case.both(text, value)
    return case


def all_values(case, rows):
    for text, value in rows.items():
        case.check(text, value)
    return case


def activations():
    c = Case("activations", "activations and their gradients")
    x = c.let("x", c.numbers(3, 4, low=-4, high=4))
    return all_both(c, {
        "relu(x)": F.relu(x),
        "clamp(x, 0, 6)": F.relu6(x),
        "leaky_relu(x)": F.leaky_relu(x),
        "leaky_relu(x, 0.2)": F.leaky_relu(x, 0.2),
        "elu(x)": F.elu(x),
        "elu(x, 0.5)": F.elu(x, 0.5),
        "0.5 * elu(x / 0.5)": F.celu(x, 0.5),
        "selu(x)": F.selu(x),
        "gelu(x)": F.gelu(x),
        "silu(x)": F.silu(x),
        "mish(x)": F.mish(x),
        "softplus(x)": F.softplus(x, threshold=1e9),
        "softsign(x)": F.softsign(x),
        "sigmoid(x)": torch.sigmoid(x),
        "log_sigmoid(x)": F.logsigmoid(x),
        "hard_sigmoid(x)": torch.clamp(x / 6 + 0.5, 0, 1),  # the gradient of F.hardsigmoid has 1/6 in f32
        "hard_swish(x)": F.hardswish(x),
        "clamp(x, -1, 1)": F.hardtanh(x),
        "tanh(x)": torch.tanh(x),
        "x - tanh(x)": F.tanhshrink(x),
        "sign(x) * relu(abs(x) - 0.5)": F.softshrink(x),
        "where(abs(x) > 0.5, x, 0)": F.hardshrink(x),
        "where(x > 0.1, x, 20)": F.threshold(x, 0.1, 20),
    })


def softmaxes():
    c = Case("softmaxes", "softmax and its relatives, the gated unit, gelu by tanh")
    x = c.let("x", c.numbers(3, 4, low=-4, high=4))
    return all_both(c, {
        "softmax(x)": F.softmax(x, -1),
        "softmax(-x)": F.softmin(x, -1),
        "log_softmax(x)": F.log_softmax(x, -1),
        "logsumexp(x)": torch.logsumexp(x, -1),
        "logaddexp(x, 0.5 * x)": torch.logaddexp(x, 0.5 * x),
        "gelu_tanh(x)": F.gelu(x, approximate="tanh"),
        "glu(x)": F.glu(x),
    })


def losses():
    c = Case("losses", "losses and their gradients")
    y, t = c.let("y", c.numbers(3, 4)), c.let("t", c.numbers(3, 4))
    p = c.let("p", torch.round(F.softmax(c.numbers(3, 4), -1), decimals=3))
    share = c.let("share", c.numbers(3, 4, low=0.05, high=0.95))
    kind = c.let("kind", torch.tensor([1, 3, 0]), bound=4)
    prob, lp = torch.sigmoid(y), F.log_softmax(y, -1)
    right = lp.gather(1, kind[:, None])[:, 0]
    return all_both(c, {
        "mse(y, t)": F.mse_loss(y, t),
        "mae(y, t)": F.l1_loss(y, t),
        "huber(y, t)": F.huber_loss(y, t),
        "huber(y, t, delta=0.5)": F.huber_loss(y, t, delta=0.5),
        "log_cosh(y, t)": torch.log(torch.cosh(y - t)).mean(),
        "cross_entropy(y, kind)": F.cross_entropy(y, kind),
        "cross_entropy(y, kind, smooth=0.1)": F.cross_entropy(y, kind, label_smoothing=0.1),
        "cross_entropy_each(y, kind)": F.cross_entropy(y, kind, reduction="none"),
        "bce(y, share)": F.binary_cross_entropy_with_logits(y, share),
        "bce_each(y, share)": F.binary_cross_entropy_with_logits(y, share, reduction="none"),
        "kl(p, log_softmax(y))": (p * ((p + 1e-9).log() - lp)).sum(-1).mean(),
        "focal(y, kind)": -((1 - right.exp()) ** 2 * right).mean(),
        "dice(y, share)": 1 - (2 * (prob * share).sum() + 1) / (prob.sum() + share.sum() + 1),
        "gaussian_nll(y, t, share)": F.gaussian_nll_loss(y, share, t.exp(), full=True, eps=0),
        "cosine_similarity(y, t)": F.cosine_similarity(y, t),
        "nt_xent(y, t)": nt_xent(y, t, 0.1),
        "nt_xent(y, t, 0.5)": nt_xent(y, t, 0.5),
        "mean(1 - cosine_similarity(y, t))": (1 - F.cosine_similarity(y, t)).mean(),
    })


def nt_xent(a, b, temperature):
    z = F.normalize(torch.cat([a, b]), dim=-1)
    scores = (z @ z.T / temperature).masked_fill(torch.eye(len(z)) > 0, -1e9)
    return F.cross_entropy(scores, torch.arange(len(z)).roll(len(a)))


def losses_of_signs():
    c = Case("losses_of_signs", "losses with targets -1 and 1, with counts, with three inputs; no gradients for the targets")
    y, t = c.let("y", c.numbers(3, 4)), c.let("t", c.numbers(3, 4))
    share = c.let("share", c.numbers(3, 4))
    side = c.let("side", torch.tensor([[1, -1, 1, 1], [-1, -1, 1, -1], [1, 1, -1, -1]]), fixed=True)
    count = c.let("count", torch.tensor([[0, 1, 3, 2], [5, 0, 1, 1], [2, 2, 4, 0]]), fixed=True)
    pair = c.let("pair", torch.tensor([1, -1, 1]), fixed=True)
    return all_both(c, {
        "hinge(y, side)": F.relu(1 - y * side).mean(),
        "mean(relu(1 - y * side) ** 2)": (F.relu(1 - y * side) ** 2).mean(),
        "mean(softplus(-y * side))": F.soft_margin_loss(y, side),
        "mean(relu(-side * (y - t)))": F.margin_ranking_loss(y, t, side),
        "mean(where(side > 0, y, relu(1 - y)))": F.hinge_embedding_loss(y, side),
        "poisson_nll(y, count)": F.poisson_nll_loss(y, count, log_input=True),
        "triplet(y, t, share)": F.triplet_margin_loss(y, t, share, eps=0),
        "mean(where(pair > 0, 1 - cosine_similarity(y, t), relu(cosine_similarity(y, t))))":
            F.cosine_embedding_loss(y, t, pair),
    })


def elementwise():
    c = Case("elementwise", "functions of one number, and of two")
    x = c.let("x", c.numbers(8, low=-2.4, high=2.4))
    s = c.let("s", c.numbers(8, low=-0.95, high=0.95))
    p = c.let("p", c.numbers(8, low=0.1, high=3))
    q = c.let("q", c.numbers(8, low=0.1, high=3))
    rows = {f"{f}(x)": getattr(torch, f)(x) for f in
            "exp expm1 abs sin cos tan atan sinh cosh tanh erf sigmoid".split()}
    rows |= {f"{f}(p)": getattr(torch, f)(p) for f in "log log1p sqrt rsqrt".split()}
    rows |= {f"{f}(s)": getattr(torch, f)(s) for f in "asin acos".split()}
    return all_both(c, rows | {
        "atan2(x, p)": torch.atan2(x, p),
        "p ** x": p ** x,
        "x ** 3": x ** 3,
        "2.0 ** x": 2.0 ** x,
        "x / p": x / p,
        "x % p": torch.remainder(x, p),
        "min(x, p)": torch.minimum(x, p),
        "max(x, s)": torch.maximum(x, s),
        "where(x > s, p, q)": torch.where(x > s, p, q),
        "-x ** 2": -x ** 2,
        "log(p) / log(2.0)": torch.log2(p),
        "log(p) / log(10.0)": torch.log10(p),
        "x * p + q": torch.addcmul(q, x, p),
        "sqrt(x ** 2 + p ** 2)": torch.hypot(x, p),
        "sin(pi * x) / (pi * x)": torch.sinc(x),
    })


def steps():
    c = Case("steps", "functions whose gradient is 0 wherever there is one")
    x, p = c.let("x", c.numbers(8, low=-2.4, high=2.4)), c.let("p", c.numbers(8, low=0.1, high=3))
    return all_values(c, {
        "sign(x)": x.sign(), "floor(x)": x.floor(), "ceil(x)": x.ceil(), "round(x)": x.round(),
        "round(tensor([0.5, 1.5, -0.5, 2.5]))": torch.tensor([0.5, 1.5, -0.5, 2.5]).round(),
        "x // p": torch.floor_divide(x, p), "x - x // 1": x - x.floor(), "sign(x) * floor(abs(x))": x.trunc(),
    })


def comparisons():
    c = Case("comparisons", "bools, tests, and conversions")
    x, y = c.let("x", torch.tensor([1.0, -2, 0, 3.5, -0.5])), c.let("y", torch.tensor([1.0, 2, -1, 3, -0.5]))
    return all_values(c, {
        "x == y": x == y, "x != y": x != y, "x < y": x < y, "x <= y": x <= y, "x > y": x > y, "x >= y": x >= y,
        "where(x > y, 1.0, 0)": (x > y).double(),
        "x > 0 and y > 0": (x > 0) & (y > 0), "x > 0 or y > 0": (x > 0) | (y > 0), "not x > 0": ~(x > 0),
        "(x > 0) != (y > 0)": (x > 0) ^ (y > 0),
        "any(x > y)": (x > y).any(), "all(x >= y)": (x >= y).all(),
        "isnan(x / x)": torch.isnan(x / x), "isfinite(y / x)": torch.isfinite(y / x),
        "int(x)": x.long(), "bool(x)": x != 0, "sum(float(x > y))": (x > y).sum(),
    })


def reductions():
    c = Case("reductions", "reductions over all dims and along some")
    x = c.let("x", c.numbers(2, 3, 4))
    c = all_both(c, {
        "sum(x)": x.sum(), "sum(x, axis=1)": x.sum(1), "sum(x, axis=[0, 2])": x.sum((0, 2)),
        "sum(x, axis=-1, keep=true)": x.sum(-1, keepdim=True),
        "mean(x)": x.mean(), "mean(x, axis=0)": x.mean(0), "mean(x, axis=all_but(-1))": x.mean((0, 1)),
        "max(x)": x.max(), "max(x, axis=1)": x.amax(1), "min(x)": x.min(), "min(x, axis=-1)": x.amin(-1),
        "cumsum(x)": x.cumsum(-1),
        "var(x)": x.var(correction=0), "std(x)": x.std(correction=0), "l1(x)": x.abs().sum(),
        "l2(x)": (x ** 2).sum(), "sqrt(l2(x))": x.norm(),
    })
    c.check("argmax(x)", x.argmax(-1))
    c.check("argmin(x)", x.argmin(-1))
    return c


def more_reductions():
    c = Case("more_reductions", "products, norms, orders")
    x = c.let("x", c.numbers(2, 3, 4))
    c = all_both(c, {
        "prod(x)": x.prod(), "prod(x, axis=1)": x.prod(1), "norm(x)": x.norm(), "norm(x, axis=-1)": x.norm(dim=-1),
        "var(x, axis=-1)": x.var(-1, correction=0), "std(x, axis=0)": x.std(0, correction=0),
        "logsumexp(x, axis=1)": torch.logsumexp(x, 1), "cumsum(x, axis=1)": x.cumsum(1),
        "cumprod(x)": x.cumprod(-1), "quantile(x, 0.3)": x.quantile(0.3), "median(x)": x.flatten().quantile(0.5),
        "sort(x)": x.sort(-1).values,
    })
    c.check("argsort(x)", x.argsort(-1))
    c.check("argmax(x, axis=1)", x.argmax(1))
    return c


def shapes():
    c = Case("shapes", "functions that only move numbers")
    x, y = c.let("x", c.numbers(2, 3, 4)), c.let("y", c.numbers(2, 3, 4))
    return all_both(c, {
        "reshape(x, [6, 4])": x.reshape(6, 4), "flatten(x)": x.flatten(1), "squeeze(x[:, :, :1])": x[:, :, 0],
        "expand(x[:1], [5, 3, 4])": x[:1].expand(5, 3, 4), "transpose(x)": x.permute(2, 1, 0),
        "transpose(x, [1, 0, 2])": x.permute(1, 0, 2), "swap(x)": x.mT,
        "concat([x, y], axis=1)": torch.cat([x, y], 1), "stack([x, y])": torch.stack([x, y]),
        "stack([x, y], axis=1)": torch.stack([x, y], 1), "flip(x, 0)": x.flip(0), "flip(x)": x.flip(-1),
        "chunk(x, 2)[1]": x.chunk(2, -1)[1],
    })


def slices():
    c = Case("slices", "indexing, products, triangles")
    x, y = c.let("x", c.numbers(2, 3, 4)), c.let("y", c.numbers(2, 3, 4))
    return all_both(c, {
        "unstack(x)[1]": x[..., 1],
        "x[0]": x[0], "x[:, -1]": x[:, -1], "x[..., 0]": x[..., 0], "x[:, 1:]": x[:, 1:], "x[:, ::2]": x[:, ::2],
        "x[:, None]": x[:, None], "x[:, :-1] - x[:, 1:]": x[:, :-1] - x[:, 1:],
        "x @ swap(y)": x @ y.mT, "x[0] @ y[0, 1]": x[0] @ y[0, 1],
        "outer(x[0, 0], y[0, 1])": torch.outer(x[0, 0], y[0, 1]),
        "where(x[:, :1] > 0, x[..., :1], y)": torch.where(x[:, :1] > 0, x[..., :1], y),
        "where(tril(3), x[0, :, :3], 0)": x[0, :, :3].tril(), "where(triu(3), x[0, :, :3], 0)": x[0, :, :3].triu(),
        "trapezoid(cumsum(x[0, 0] ** 2), y[0, 0])": torch.trapezoid(y[0, 0], (x[0, 0] ** 2).cumsum(0)),
    })


def more_shapes():
    c = Case("more_shapes", "einsum, rearrange, roll, pad, repeat, split")
    x, y = c.let("x", c.numbers(2, 3, 4)), c.let("y", c.numbers(2, 3, 4))
    return all_both(c, {
        'einsum("b t d, b s d -> b t s", x, y)': torch.einsum("btd,bsd->bts", x, y),
        'einsum("b t d, b t d -> b", x, y)': torch.einsum("btd,btd->b", x, y),
        'einsum("b t d -> d", x)': torch.einsum("btd->d", x),
        'rearrange(x, "b t (n d) -> b n t d", n=2)': x.reshape(2, 3, 2, 2).permute(0, 2, 1, 3),
        'rearrange(x, "b t d -> (b t) d")': x.reshape(6, 4),
        "roll(x, 1, 1)": x.roll(1, 1), "repeat_along(x, 2, 0)": x.repeat_interleave(2, 0),
        "split(x, [1, 3], axis=-1).1": x.split([1, 3], -1)[1],
        "diag(x[0, 0])": torch.diag(x[0, 0]), "diag(x[0, :, :3])": torch.diag(x[0, :, :3]),
        "trace(x[0, :, :3])": torch.trace(x[0, :, :3]),
    })


def indices():
    c = Case("indices", "indices and what is gathered or counted by them")
    x, rows = c.let("x", c.numbers(4, 3)), c.let("rows", c.numbers(5))
    ids = c.let("ids", torch.tensor([2, 0, 3, 2, 1]), bound=4)
    col = c.let("col", torch.tensor([2, 0, 1, 2]), bound=3)
    c = all_both(c, {
        "x[ids]": x[ids], "pick(x, col)": x.gather(1, col[:, None])[:, 0],
        "bincount(ids, weights=rows)": torch.zeros(4).scatter_add(0, ids, rows),
    })
    c.check("one_hot(ids)", F.one_hot(ids, 4).double())
    c.check("bincount(ids)", torch.bincount(ids, minlength=4).double())
    return c


def more_indices():
    c = Case("more_indices", "scatter, top, take, lists of indices")
    x, rows = c.let("x", c.numbers(4, 3)), c.let("rows", c.numbers(5, 2))
    ids = c.let("ids", torch.tensor([2, 0, 3, 2, 1]), bound=4)
    c = all_both(c, {
        "x[[0, 2]]": x[[0, 2]], "scatter_sum(rows, ids, 4)": torch.zeros(4, 2).index_add(0, ids, rows),
        "scatter_max(rows, ids, 4)": torch.full((4, 2), -1e9).scatter_reduce(0, ids[:, None].expand(5, 2), rows, "amax"),
        "take(x, tensor([2, 0], int), 1)": x[:, [2, 0]],
    })
    c.check("top(x, 2)", x.topk(2).indices)
    c.check("exp(top_k(x, 2))", torch.where(x >= x.topk(2).values[:, -1:], x.exp(), 0.0))
    return c


def linear_algebra():
    c = Case("linear_algebra", "solving, inverting, decomposing")
    m = c.let("m", c.numbers(3, 3, low=-0.9, high=0.9) + 2 * torch.eye(3))
    v, a = c.let("v", c.numbers(3)), c.let("a", c.numbers(4, 3))
    symmetric = m @ m.T + torch.eye(3)
    text = "m @ transpose(m) + eye(3)"
    q, r = torch.linalg.qr(a)
    c = all_both(c, {
        "solve(m, v)": torch.linalg.solve(m, v),
        "solve(m, transpose(a))": torch.linalg.solve(m, a.T),
        "inverse(m)": torch.linalg.inv(m),
        "det(m)": torch.linalg.det(m),
        f"logdet({text})": torch.logdet(symmetric),
        f"cholesky({text})": torch.linalg.cholesky(symmetric),
        "trace(m)": torch.trace(m),
        "diag(m)": torch.diag(m),
        "abs(qr(a).1)": r.abs(),
        "svd(a).1": torch.linalg.svdvals(a),
        f"eigh({text}).0": torch.linalg.eigvalsh(symmetric),
    })
    c.check("qr(a).0 @ qr(a).1", a)
    c.check("norm(m)", m.norm())
    return c


CASES = [activations, softmaxes, losses, losses_of_signs, elementwise, steps, comparisons, reductions, more_reductions, shapes, slices,
         more_shapes, indices, more_indices, linear_algebra]
