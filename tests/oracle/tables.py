"""Cases of the expressions in docs/from-*.md that are no function of the standard library."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch
import torch.nn.functional as F

from case import Case
from functions import all_both, all_values
from layers import images, rows


def keras_losses():
    c = Case("keras_losses", "losses that are expressions in docs/from-keras.md", "keras", f64=1e-6)
    y, t = c.let("y", c.numbers(3, 4)), c.let("t", c.numbers(3, 4, low=0.1))
    p = c.let("p", torch.round(F.softmax(c.numbers(3, 4), -1), decimals=3), fixed=True)
    kind = c.let("kind", torch.tensor([1, 3, 0]), bound=4)
    hit = c.let("hit", torch.tensor([[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]]), fixed=True)
    side, one = c.let("side", 2 * hit - 1, fixed=True), F.one_hot(kind, 4).double()
    k = keras.losses
    mean = lambda values: values.double().mean()
    return all_values(c, {
        "100 * mean(abs(y - t) / max(abs(t), 1e-7))": mean(k.mean_absolute_percentage_error(t, y)),
        "mean((log1p(max(y, 0)) - log1p(max(t, 0))) ** 2)": mean(k.mean_squared_logarithmic_error(t, y)),
        "huber(y, t)": k.Huber()(t, y),
        "log_cosh(y, t)": k.LogCosh()(t, y),
        "-mean(cosine_similarity(y, t))": k.CosineSimilarity()(t, y),
        "-mean(sum(p * log_softmax(y), axis=-1))": k.CategoricalCrossentropy(from_logits=True)(p, y),
        "cross_entropy(y, kind)": k.SparseCategoricalCrossentropy(from_logits=True)(kind, y),
        "cross_entropy(y, kind, smooth=0.1)":
            k.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(one, y),
        "bce(y, hit)": k.BinaryCrossentropy(from_logits=True)(hit, y),
        "mean(abs(hit - sigmoid(y)) ** 2 * bce_each(y, hit))": k.BinaryFocalCrossentropy(from_logits=True)(hit, y),
        "0.25 * focal(y, kind)": k.CategoricalFocalCrossentropy(from_logits=True)(one, y),
        "mean(1 - pick(softmax(y), kind) ** 0.5) / 0.5":
            k.CategoricalGeneralizedCrossEntropy(q=0.5)(kind, F.softmax(y, -1)),
        "mean(t - y * log(t + 1e-7))": k.Poisson()(y, t),
        "hinge(y, side)": k.Hinge()(side, y),
        "mean(relu(1 - y * side) ** 2)": k.SquaredHinge()(side, y),
        "mean(relu(max((1 - hit) * y, axis=-1) - sum(hit * y, axis=-1) + 1))": k.CategoricalHinge()(hit, y),
    })


def keras_layers():
    c = Case("keras_layers", "layers that are expressions in docs/from-keras.md", "keras", f64=1e-6)
    x, seq, mem = c.let("x", c.numbers(3, 4)), c.let("seq", c.numbers(2, 4, 3)), c.let("mem", c.numbers(2, 5, 3))
    image, other = c.let("image", c.numbers(1, 4, 4, 2)), c.let("other", c.numbers(3, 4))
    l, a = keras.layers, keras.activations
    return all_values(c, {
        "softmax(seq @ swap(mem)) @ mem": l.Attention()([seq, mem]),
        "softmax(sum(tanh(seq[:, :, None] + mem[:, None]), axis=-1)) @ mem":
            l.AdditiveAttention(use_scale=False)([seq, mem]),
        "x / sqrt(sum(x ** 2, axis=-1, keep=true))": l.UnitNormalization()(x),
        "max(reshape(seq, [2, 2, 2, 3]), axis=2)": l.MaxPooling1D(2)(seq),
        "mean(reshape(seq, [2, 2, 2, 3]), axis=2)": l.AveragePooling1D(2)(seq),
        "mean(reshape(image, [1, 2, 2, 2, 2, 2]), axis=[2, 4])": l.AdaptiveAveragePooling2D(2)(image),
        "expand(x[:, None], [3, 5, 4])": l.RepeatVector(5)(x),
        "seq[:, 1:-1]": l.Cropping1D(1)(seq),
        "image[:, 1:-1, 1:-1]": l.Cropping2D(1)(image),
        "sum(x * other, axis=-1)": l.Dot(axes=1)([x, other])[:, 0],
        "(x + other) / 2": l.Average()([x, other]),
        "where(x <= -1, 0, where(x < 1, 0.25 * (x + 1) ** 2, x))": a.sparse_plus(x),
        "clamp(0.5 * (x + 1), 0, 1)": a.sparse_sigmoid(x),
        "(x + sqrt(x ** 2 + 4)) / 2": a.squareplus(x),
        "glu(x)": a.glu(x),
        "gelu_tanh(x)": a.gelu(x, approximate=True),
    })


def torch_losses():
    c = Case("torch_losses", "losses that are expressions in docs/from-pytorch.md")
    y, t = c.let("y", c.numbers(3, 4)), c.let("t", c.numbers(3, 4))
    p = c.let("p", c.numbers(3, 4, low=0.1, high=0.9))
    kind = c.let("kind", torch.tensor([1, 3, 0]), bound=4)
    hit = c.let("hit", torch.tensor([[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]]), fixed=True)
    w = c.let("w", torch.tensor([1, 2, 1, 3]), fixed=True)
    speech, said = c.let("speech", c.numbers(3, 9, 4)), c.let("said", torch.tensor([[1, 3, 3], [2, 1, 0], [1, 0, 0]]), bound=4)
    return all_both(c, {
        "ctc(speech, said)": F.ctc_loss(F.log_softmax(speech, -1).transpose(0, 1), said, torch.tensor([9, 9, 9]),
                                        torch.tensor([3, 2, 1]), reduction="none").mean(),
        "sum(pick(expand(w, [3, 4]), kind) * cross_entropy_each(y, kind)) / sum(pick(expand(w, [3, 4]), kind))":
            F.cross_entropy(y, kind, weight=w.double()),
        "masked_mean(cross_entropy_each(y, kind), int(kind) != 0)": F.cross_entropy(y, kind, ignore_index=0),
        "-mean(pick(log_softmax(y), kind))": F.nll_loss(F.log_softmax(y, -1), kind),
        "mean((1 + 2 * hit) * softplus(-y) + (1 - hit) * y)":
            F.binary_cross_entropy_with_logits(y, hit.double(), pos_weight=torch.tensor(3.0)),
        "-mean(hit * log(p) + (1 - hit) * log(1 - p))": F.binary_cross_entropy(p, hit.double()),
        "(sum(relu(1 - pick(y, kind)[:, None] + y)) / 3 - 1) / 4": F.multi_margin_loss(y, kind),
        "bce(y, hit)": F.multilabel_soft_margin_loss(y, hit.double()),
        "distance(y, t)": F.pairwise_distance(y, t, eps=0),
    })


def torch_layers():
    c = Case("torch_layers", "layers that are expressions in docs/from-pytorch.md")
    seq, image = c.let("seq", c.numbers(1, 4, 3)), c.let("image", c.numbers(1, 4, 4, 2))
    chars = seq.mT
    return all_both(c, {
        "concat([flip(seq[:, 1:3], 1), seq, flip(seq[:, -3:-1], 1)], axis=1)": F.pad(chars, (2, 2), "reflect").mT,
        "concat([seq[:, :1], seq, seq[:, -1:]], axis=1)": F.pad(chars, (1, 1), "replicate").mT,
        "concat([seq[:, -2:], seq, seq[:, :2]], axis=1)": F.pad(chars, (2, 2), "circular").mT,
        "sqrt(sum(reshape(seq ** 2, [1, 2, 2, 3]), axis=2))": F.lp_pool1d(chars, 2, 2).mT,
        "global_pool(image)": F.adaptive_avg_pool2d(images(image), 1)[:, :, 0, 0],
        "max(reshape(image, [1, 2, 2, 2, 2, 2]), axis=[2, 4])": rows(F.adaptive_max_pool2d(images(image), 2)),
        "concat([image[:, k // 3:2 + k // 3, k % 3:2 + k % 3] for k in 0..9], axis=-1)":
            F.unfold(images(image), 3).reshape(1, 2, 9, 2, 2).permute(0, 3, 4, 2, 1).reshape(1, 2, 2, 18),
        "softmax(-image)": F.softmin(image, -1),
    })


def jax_arrays():
    c = Case("jax_arrays", "expressions in docs/from-jax.md; JAX scores attention in f32", "jax", f64=1e-6)
    x, y = c.let("x", c.numbers(3, 4)), c.let("y", c.numbers(3, 4))
    a, b = jnp.array(x.detach().numpy()), jnp.array(y.detach().numpy())
    n = jax.nn
    return all_values(c, {
        "concat([x, x], axis=1)": np.array(jnp.tile(a, (1, 2))),
        "sqrt(x ** 2 + y ** 2)": np.array(jnp.hypot(a, b)),
        "sin(pi * x) / (pi * x)": np.array(jnp.sinc(a)),
        "log(abs(x)) / log(2.0)": np.array(jnp.log2(jnp.abs(a))),
        "where(isfinite(x), x, 0)": np.array(jnp.nan_to_num(a)),
        "(x + sqrt(x ** 2 + 4)) / 2": np.array(n.squareplus(a)),
        "gelu_tanh(x)": np.array(n.gelu(a)),
        "glu(x)": np.array(n.glu(a)),
        "0.5 * elu(x / 0.5)": np.array(n.celu(a, 0.5)),
        "clamp(x, -1, 1)": np.array(n.hard_tanh(a)),
        "hard_swish(x)": np.array(n.hard_swish(a)),
        "logaddexp(x, y)": np.array(jnp.logaddexp(a, b)),
        "softmax(x @ transpose(y) / sqrt(4)) @ y": np.array(n.dot_product_attention(a[:, None], b[:, None], b[:, None])[:, 0]),
        "0.5 * mse(x, y)": float(optax.l2_loss(a, b).mean()),
        "bce(x, sigmoid(y))": float(optax.sigmoid_binary_cross_entropy(a, n.sigmoid(b)).mean()),
        "mean(abs(sigmoid(y) - sigmoid(x)) ** 2 * bce_each(x, sigmoid(y)))": float(
            (jnp.abs(n.sigmoid(b) - n.sigmoid(a)) ** 2 * optax.sigmoid_binary_cross_entropy(a, n.sigmoid(b))).mean()),
    })


CASES = [keras_losses, keras_layers, torch_losses, torch_layers, jax_arrays]
