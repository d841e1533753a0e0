"""Cases of training: optimizers over twenty steps, schedules step by step, metrics over several batches, initialisers."""

import math

import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch
import torch.nn.functional as F

from case import Case, tensor

STEPS = 20


class Race:
    """One least squares problem that several optimizers work on from one start, twenty steps each."""

    def __init__(self, name, about, source="torch", **settings):
        self.case = c = Case(name, about, source, **settings)
        self.x, self.y, self.start = c.numbers(6, 3), c.numbers(6, 2), c.numbers(3, 2)
        c.declarations = (f"fn x() = {tensor(self.x)}\nfn y() = {tensor(self.y)}\n"
                          f"fn start(shape: list) = {tensor(self.start)}\n"
                          "layer Linear()(x: [B, 3]) -> [B, 2] { param W: [3, 2] = start; x @ W }\n")
        self.count = 0

    def entry(self, text, weights):
        c, name = self.case, f"m{self.count}"
        self.count += 1
        c.declarations += (f"model {name} = Linear()\ntrain fit_{name} {{ steps = {STEPS}; "
                           f"minimize mse({name}(x()), y()) using {text} }}\n")
        c.check(f"{name}(eye(3))", weights, label=text)

    def torch(self, text, make):
        w = self.start.clone().requires_grad_(True)
        optimizer = make([w])
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.mse_loss(self.x @ w, self.y).backward()
            optimizer.step()
        self.entry(text, w)

    def gradient(self, w):
        x, y = self.x.numpy(), self.y.numpy()
        return 2 * x.T @ (x @ w - y) / y.size

    def optax(self, text, transform):
        w = jnp.array(self.start.numpy())
        state = transform.init(w)
        for _ in range(STEPS):
            update, state = transform.update(jnp.array(self.gradient(np.array(w))), state, w)
            w = optax.apply_updates(w, update)
        self.entry(text, np.array(w))

    def keras(self, text, optimizer):
        w = keras.Variable(self.start.numpy(), dtype="float64")
        optimizer.build([w])
        for _ in range(STEPS):
            gradient = self.gradient(w.value.detach().numpy())
            optimizer.apply_gradients([(torch.tensor(gradient), w)])
        self.entry(text, w.value.detach())


def optimizers():
    race = Race("optimizers", "weights after 20 steps of least squares", f32=3e-5)
    o = torch.optim
    race.torch("sgd(0.05)", lambda p: o.SGD(p, 0.05))
    race.torch("sgd(0.05, momentum=0.9)", lambda p: o.SGD(p, 0.05, momentum=0.9))
    race.torch("sgd(0.05, momentum=0.9, nesterov=true)", lambda p: o.SGD(p, 0.05, momentum=0.9, nesterov=True))
    race.torch("sgd(0.05, momentum=0.5, decay=0.01)", lambda p: o.SGD(p, 0.05, momentum=0.5, weight_decay=0.01))
    race.torch("adam(0.1)", lambda p: o.Adam(p, 0.1))
    race.torch("adam(0.1, beta1=0.5, beta2=0.9, eps=1e-3)", lambda p: o.Adam(p, 0.1, (0.5, 0.9), 1e-3))
    race.torch("adamw(0.1, decay=0.1)", lambda p: o.AdamW(p, 0.1, weight_decay=0.1))
    race.torch("rmsprop(0.05)", lambda p: o.RMSprop(p, 0.05, alpha=0.9, eps=1e-7))
    race.torch("rmsprop(0.05, rho=0.99, eps=1e-8)", lambda p: o.RMSprop(p, 0.05))
    race.torch("rmsprop(0.02, momentum=0.9, eps=1e-8)", lambda p: o.RMSprop(p, 0.02, alpha=0.9, momentum=0.9))
    race.torch("rmsprop(0.02, centered=true, eps=1e-3)", lambda p: o.RMSprop(p, 0.02, alpha=0.9, centered=True, eps=1e-3))
    race.torch("adagrad(0.5)", lambda p: o.Adagrad(p, 0.5))
    race.torch("adadelta(1.0, rho=0.9)", lambda p: o.Adadelta(p, 1.0))
    race.torch("amsgrad(0.1)", lambda p: o.Adam(p, 0.1, amsgrad=True))
    race.torch("adafactor(0.1)", lambda p: o.Adafactor(p, 0.1, eps=(1e-30, 1e-3), weight_decay=0))
    race.torch("rprop(0.01)", lambda p: o.Rprop(p, 0.01))
    return race.case


def muon():
    """torch rounds to bfloat16 inside; here it may not, so that the numbers can be compared."""
    race = Race("muon", "weights after 20 steps of least squares", f32=1e-4)
    kept, torch.bfloat16 = torch.bfloat16, torch.float64
    for text, settings in {
        "muon(0.02)": {"weight_decay": 0},
        "muon(0.02, nesterov=false, decay=0.1)": {"nesterov": False, "weight_decay": 0.1},
    }.items():
        w = race.start.T.clone().requires_grad_(True)
        optimizer = torch.optim.Muon([w], 0.02, **settings)
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.mse_loss(race.x @ w.T, race.y).backward()
            optimizer.step()
        race.entry(text, w.T)
    torch.bfloat16 = kept
    return race.case


def optimizers_of_others():
    race = Race("optimizers_of_others", "weights after 20 steps, where optax's formula is ours", "optax")
    race.optax("nadam(0.1)", optax.nadam(0.1))
    race.optax("lion(0.05)", optax.lion(0.05, b1=0.9, b2=0.99, weight_decay=0))
    race.optax("lion(0.05, decay=0.1)", optax.lion(0.05, b1=0.9, b2=0.99, weight_decay=0.1))
    race.optax("lion(0.05, beta1=0.9, beta2=0.9)", optax.signum(0.05, 0.9))
    race.optax("adabelief(0.1)", optax.adabelief(0.1))
    race.optax("yogi(0.1)", optax.yogi(0.1))
    race.optax("radam(0.1)", optax.radam(0.1))
    race.optax("radam(0.1, beta2=0.9)", optax.radam(0.1, b2=0.9))
    race.optax("lamb(0.1)", optax.lamb(0.1))
    race.optax("lamb(0.1, decay=0.1)", optax.lamb(0.1, weight_decay=0.1))
    race.optax("lars(0.1, trust=0.1, decay=0.1)", optax.lars(0.1, 0.1, trust_coefficient=0.1))
    race.optax("adam(0.1 * warmup(5))", optax.adam(lambda t: 0.1 * jnp.minimum(jnp.float64(t + 1) / 5, 1)))
    return race.case


def optimizers_of_keras():
    race = Race("optimizers_of_keras", "weights after 20 steps, where Keras' formula is ours", "keras")
    k = keras.optimizers
    race.keras("adamax(0.1, eps=1e-7)", k.Adamax(0.1))
    race.keras("sgd(0.05)", k.SGD(0.05))
    race.keras("ftrl(0.1)", k.Ftrl(0.1))
    race.keras("ftrl(0.1, l1=0.05, l2=0.01)", k.Ftrl(0.1, l1_regularization_strength=0.05, l2_regularization_strength=0.01))
    return race.case


def learning_rates(scheduler, base=1.0, steps=STEPS):
    """What a torch scheduler, stepped after every update, makes of a learning rate of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], base)
    schedule, found = scheduler(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return torch.tensor(found)


class Steps:
    """A vector whose i-th number is the learning rate of step i + 1."""

    def __init__(self, name, about, source="torch"):
        self.case = Case(name, about, source)
        self.case.declarations = (f"layer Steps()() -> [{STEPS}] {{ param w: [{STEPS}] = 0; w }}\n"
                                  f"fn now() = where(float(arange({STEPS})) == step - 1, -1.0, 0)\n")
        self.count = 0

    def add(self, text, rates):
        c, name = self.case, f"s{self.count}"
        self.count += 1
        c.declarations += (f"model {name} = Steps()\ntrain fit_{name} {{ steps = {STEPS}; "
                           f"minimize sum({name}() * now()) using sgd({text}) }}\n")
        c.check(f"{name}()", rates, label=text)


def schedules():
    s = Steps("schedules", "learning rates of twenty steps")
    l = torch.optim.lr_scheduler
    s.add("stairs(6, 0.5)", [0.5 ** ((t + 1) // 6) for t in range(STEPS)])
    s.add("0.5 ** ((step - 1) // 6)", learning_rates(lambda o: l.StepLR(o, 6, 0.5)))
    s.add("where(step > 12, 0.25, where(step > 5, 0.5, 1.0))",
          learning_rates(lambda o: l.MultiStepLR(o, [5, 12], 0.5)))
    s.add("0.9 ** (step - 1)", learning_rates(lambda o: l.ExponentialLR(o, 0.9)))
    s.add("0.95 ** (step - 1)", learning_rates(lambda o: l.MultiplicativeLR(o, lambda t: 0.95)))
    s.add("1 / (1 + 0.1 * (step - 1))", learning_rates(lambda o: l.LambdaLR(o, lambda t: 1 / (1 + 0.1 * t))))
    s.add("cosine()", learning_rates(lambda o: l.CosineAnnealingLR(o, STEPS)))
    s.add("cosine(0.1)", learning_rates(lambda o: l.CosineAnnealingLR(o, STEPS, eta_min=0.1)))
    s.add("linear_decay()", learning_rates(lambda o: l.LinearLR(o, 1.0, 0.0, STEPS)))
    s.add("linear_decay(0.2)", learning_rates(lambda o: l.LinearLR(o, 1.0, 0.2, STEPS)))
    s.add("(1 - progress) ** 2", learning_rates(lambda o: l.PolynomialLR(o, STEPS, 2)))
    s.add("where(step <= 5, 0.5, 1.0)", learning_rates(lambda o: l.ConstantLR(o, 0.5, 5)))
    s.add("0.5 * (1 + cos(pi * ((step - 1) % 8) / 8))",
          learning_rates(lambda o: l.CosineAnnealingWarmRestarts(o, 8)))
    s.add("0.1 + 0.9 * (1 - abs((step - 1) % 8 / 4 - 1))",
          learning_rates(lambda o: l.CyclicLR(o, 0.1, 1.0, 4, cycle_momentum=False)))
    s.add("warmup(5)", [min(t / 5, 1) for t in range(1, STEPS + 1)])
    s.add("warmup(5) * cosine()", [min(t / 5, 1) * 0.5 * (1 + math.cos(math.pi * (t - 1) / STEPS))
                                   for t in range(1, STEPS + 1)])
    s.add("inverse_sqrt(4)", [min(t / 4, math.sqrt(4 / t)) for t in range(1, STEPS + 1)])
    s.add("exponential_decay(0.01)", learning_rates(lambda o: l.ExponentialLR(o, 0.01 ** (1 / STEPS))))
    return s.case


def one_cycle():
    """OneCycleLR counts its peak and its end one step early: up to 7 of 21 steps is our up to 6 of 20."""
    s = Steps("one_cycle", "OneCycleLR of one step more")
    rates = learning_rates(lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, 1.0, total_steps=STEPS + 1, pct_start=7 / 21, div_factor=25, final_div_factor=4e-2 / 1e-4,
        cycle_momentum=False), steps=STEPS)
    s.add("one_cycle()", rates)
    return s.case


def schedules_of_optax():
    s = Steps("schedules_of_optax", "learning rates of twenty steps", "optax")
    o = optax
    both = {
        "where(step > 12, 0.2, where(step > 5, 0.4, 0.8))":
            o.piecewise_constant_schedule(0.8, {5: 0.5, 12: 0.5}),
        "cosine(0.1)": o.cosine_decay_schedule(1.0, STEPS, 0.1),
        "0.7 ** ((step - 1) / 5)": o.exponential_decay(1.0, 5, 0.7),
        "0.1 + 0.9 * (1 - min((step - 1) / 10, 1)) ** 2": o.polynomial_schedule(1.0, 0.1, 2, 10),
        "where(step <= 5, (step - 1) / 5, 0.5 * (1 + cos(pi * (step - 6) / 15)))":
            o.warmup_cosine_decay_schedule(0.0, 1.0, 5, STEPS),
        "min((step - 1) / 5, 1)": o.linear_schedule(0.0, 1.0, 5),
    }
    for text, schedule in both.items():
        s.add(text, [float(schedule(t)) for t in range(STEPS)])
    return s.case


class Measured:
    """Rows of a table in file order, in batches of 4 with a short last one. Keras counts in f32."""

    def __init__(self, name, about, source="keras"):
        self.case, self.columns = Case(name, about, source, f64=1e-6), {}

    def column(self, name, values):
        self.columns[name] = values
        return values

    def measure(self, rows, fields=""):
        c = self.case
        c.table = self.columns
        c.declarations = f'data rows from csv("{c.name}.csv") {{\n{fields}}}\n'
        c.opening = "eval compare on rows {\n  batch = 4"
        for text, want in rows.items():
            c.check(text, want)
        return c


def fed(metric, y, t):
    """Rows of one number stand as [B, 1]: Keras weighs batches of [B] alike, however short."""
    if y.ndim == 1:
        y, t = y[:, None], t[:, None]
    for i in range(0, len(t), 4):
        metric.update_state(t[i:i + 4], y[i:i + 4])
    return float(metric.result())


def metrics():
    m = Measured("metrics", "metrics of two numbers a row, over three batches")
    c = m.case
    y, t = c.numbers(11).numpy(), c.numbers(11, low=0.2, high=3).numpy()
    hit = (c.random.random(11) > 0.5).astype(float)
    hit[:2] = 0, 1
    for name, values in ("y", y), ("t", t), ("hit", hit):
        m.column(name, values)
    k = keras.metrics
    order = np.argsort(y)
    rank = np.empty(11)
    rank[order] = np.arange(1, 12)
    positive = hit.sum()
    auc = (rank[hit > 0].sum() - positive * (positive + 1) / 2) / (positive * (11 - positive))
    prob = 1 / (1 + np.exp(-y))
    return m.measure({
        "rmse(y, t)": fed(k.RootMeanSquaredError(dtype="float64"), y, t),
        "mape(y, t)": fed(k.MeanAbsolutePercentageError(dtype="float64"), y, t),
        "r2(y, t)": fed(k.R2Score(dtype="float64"), y, t),
        "precision(y, hit)": fed(k.Precision(dtype="float64"), prob, hit),
        "recall(y, hit)": fed(k.Recall(dtype="float64"), prob, hit),
        "f1(y, hit)": fed(k.F1Score(threshold=0.5, dtype="float64"), prob, hit),
        "auc(y, hit)": auc,
        "pearson(y, t)": float(np.corrcoef(y, t)[0, 1]),
        "total(float(y > 0) * (1 - hit))": fed(k.FalsePositives(dtype="float64"), prob, hit),
        "5 * total(float(y > 0) * hit) / (total(float(y > 0)) + 4 * total(hit))":
            fed(k.FBetaScore(beta=2.0, threshold=0.5, dtype="float64"), prob, hit),
        "total(float(y <= 0) * (1 - hit)) / total(1 - hit)": float(((y <= 0) * (1 - hit)).sum() / (1 - hit).sum()),
    })


def class_metrics():
    m = Measured("class_metrics", "metrics of scores and classes, over three batches")
    c = m.case
    scores, kind = c.numbers(11, 3).numpy(), np.array([0, 1, 2, 2, 1, 0, 1, 1, 2, 0, 2])
    for i in range(3):
        m.column("abc"[i], scores[:, i])
    m.column("kind", kind)
    k = keras.metrics
    loss = F.cross_entropy(torch.tensor(scores), torch.tensor(kind))
    table = np.zeros((3, 3))
    for want, got in zip(kind, scores.argmax(1)):
        table[want, got] += 1
    return m.measure({
        "accuracy(scores, kind)": fed(k.SparseCategoricalAccuracy(dtype="float64"), scores, kind),
        "perplexity(scores, kind)": math.exp(loss),
        "confusion(scores, kind)": table,
        "top_accuracy(scores, kind, k=2)": fed(k.SparseTopKCategoricalAccuracy(2, dtype="float64"), scores, kind),
        "iou(scores, kind)": fed(k.MeanIoU(3, sparse_y_pred=False, dtype="float64"), scores, kind),
    }, "  scores = columns(a, b, c)\n  kind = kind |> category\n")


def batches():
    """Rows in file order, twelve of them in batches of five, five and two, three epochs; what torch's loop gives."""
    c = Case("batches", "training on a table: a short last batch, clip, accumulate, a net of two layers", f32=1e-4)
    x, y = c.numbers(12, 3), c.numbers(12, 2)
    c.table = {name: x[:, i] for i, name in enumerate("abc")} | {name: y[:, i] for i, name in enumerate("pq")}
    c.declarations = 'data rows from csv("batches.csv") {\n  x = columns(a, b, c)\n  y = columns(p, q)\n}\n'
    c.let("e", torch.eye(3))
    for i, (settings, optimizer, every, clip) in enumerate([
        ("", "adam(0.05)", 1, 0), ("; clip = 0.2", "sgd(0.5)", 1, 0.2),
        ("; accumulate = 2", "sgd(0.1, momentum=0.9)", 2, 0), ("; accumulate = 2; clip = 0.1", "adam(0.05)", 2, 0.1),
    ]):
        c.declarations += f"model m{i}(x: [B, 3]) -> [B, 2] = x |> Dense(4, tanh) |> Dense(2)\n"
        c.events += (f"train fit{i} on rows {{ epochs = 3; batch = 5; shuffle = false{settings}\n"
                     f"  minimize mse(m{i}(x), y) using {optimizer}\n}}\n")
        w = [c.weight(f"m{i}.{n}", *shape).detach().clone().requires_grad_(True) for n, shape in
             [("Dense.0.W", (3, 4)), ("Dense.0.b", (4,)), ("Dense.1.W", (4, 2)), ("Dense.1.b", (2,))]]
        net = lambda x: F.linear(torch.tanh(F.linear(x, w[0].T, w[1])), w[2].T, w[3])
        o = torch.optim.Adam(w, 0.05) if "adam" in optimizer else torch.optim.SGD(
            w, float(optimizer.split("(")[1].split(",")[0].strip(")")), 0.9 if "momentum" in optimizer else 0)
        waiting, rows = [torch.zeros_like(p) for p in w], 0
        for batch in range(9):
            at = batch % 3 * 5
            part = slice(at, min(at + 5, 12))
            count = part.stop - part.start
            for total, g in zip(waiting, torch.autograd.grad(F.mse_loss(net(x[part]), y[part]), w)):
                total += count * g
            rows += count
            if (batch % 3 + 1) % every and batch % 3 < 2:  # the last group of an epoch may be short
                continue
            scale = 1.0
            if clip:
                norm = torch.sqrt(sum(((g / rows) ** 2).sum() for g in waiting))
                scale = min(1.0, float(clip / norm))
            for p, g in zip(w, waiting):
                p.grad = g / rows * scale
            o.step()
            waiting, rows = [torch.zeros_like(p) for p in w], 0
        c.check(f"m{i}(e)", net(torch.eye(3)), label=optimizer + settings)
    return c


def fitted():
    """Columns as a task sees them: minus the mean over the deviation, holes filled, classes in order. What is wanted
    stands in columns of its own, since a task does not know how many rows there are."""
    c = Case("fitted", "standardize, fill, category, bucket, missing", "numpy", f64=1e-6)
    a, b = np.round(c.random.normal(3, 2, 9), 3), np.round(c.random.uniform(0, 1, 9), 3)
    holes = b.copy()
    holes[[2, 5]] = np.nan
    kind = np.array([3, 1, 2, 3, 3, 1, 2, 1, 3])
    seen, gone = holes[~np.isnan(holes)], np.isnan(holes)
    wants = {
        "s[:, 0]": (a - a.mean()) / a.std(), "s[:, 1]": (b - b.mean()) / b.std(),
        "middle": np.where(gone, np.median(seen), holes), "usual": np.where(gone, seen.mean(), holes),
        "float(lacks)": gone.astype(float), "float(kind)": kind - 1, "one_hot(kind)[:, 1]": np.eye(3)[kind - 1][:, 1],
        "float(bucket(b, 5))": np.floor(b * 5),
    }
    c.table = {"a": a, "b": b, "h": np.where(gone, "", holes.astype(str)), "kind": kind}
    c.declarations = ('data rows from csv("fitted.csv") {\n  s = columns(a, b) |> standardize\n  lacks = missing(h)\n'
                      '  middle = h |> fill("median")\n  usual = h |> fill("mean")\n  kind = kind |> category\n}\n')
    c.opening = "task compare on rows {"
    for i, (text, want) in enumerate(wants.items()):
        c.table[f"w{i}"] = want
        c.check(text, f"w{i}")
    return c


def initialisers():
    """Mean, deviation and reach of first values; the deviations and bounds are torch's formulas."""
    c = Case("initialisers", "mean and deviation of first weights of [400, 600], and of a kernel", f32=2e-2, f64=2e-2)
    i = torch.nn.init
    for init, fill in {
        "glorot": i.xavier_uniform_, "glorot_normal": i.xavier_normal_, "he": lambda w: i.kaiming_normal_(w, nonlinearity="relu"),
        "he_uniform": lambda w: i.kaiming_uniform_(w, nonlinearity="relu"),
        "lecun": lambda w: i.kaiming_normal_(w, nonlinearity="linear"),
        "gaussian(0.02)": lambda w: i.normal_(w, std=0.02), "constant(0.3)": lambda w: i.constant_(w, 0.3),
    }.items():
        w = fill(torch.empty(600, 400))  # torch keeps outputs first
        deviation = "std({})" if init != "constant(0.3)" else "mean({})"
        c.check(deviation.format(f"{init}([400, 600])"), w.std() if init != "constant(0.3)" else 0.3)
        if "uniform" in init or init == "glorot":
            c.check(f"max({init}([400, 600]))", w.max())
            c.check(f"min({init}([400, 600]))", w.min())
        if init != "constant(0.3)":
            kernel = fill(torch.empty(64, 32, 5, 5))
            c.check(f"std({init}([5, 5, 32, 64]))", kernel.std())
            c.check(f"1 + mean({init}([400, 600]))", 1.0)
    return c


CASES = [optimizers, muon, optimizers_of_others, optimizers_of_keras, schedules, one_cycle, schedules_of_optax, metrics,
         class_metrics, batches, fitted, initialisers]
