"""A recorded case: a Lathe program that carries its inputs and the numbers that PyTorch, JAX or Keras gave.

A case becomes NAME.model: declarations, then a task that prints, for every check, its label and how far Lathe's value
is from the recorded one, as a share of the largest recorded number. Weights go beside it into NAME.json, as `load`
reads them. A case with gradients becomes a second program, NAME_gradient.model: the gradient of sum(value * u) with
respect to every float input, for a fixed random u. tests/oracle.c runs them all in f32 and in f64."""

import json
import os
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import torch

torch.set_default_dtype(torch.float64)

HERE = os.path.dirname(os.path.abspath(__file__))
OFF = "fn off(y: [...], want: [...]) -> [] = max(abs(y - want)) / max(max(abs(want)), 1e-3)\n"
VERSIONS = {}


def array(value):
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return np.asarray(value)


def literal(value):
    """A number or nested lists, as Lathe reads them."""
    value = array(value)
    if value.ndim:
        return "[" + ", ".join(literal(part) for part in value) + "]"
    if value.dtype == bool:
        return "true" if value else "false"
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        return {"inf": "inf", "-inf": "-inf"}.get(str(number), "nan")
    return f"{number:.13g}"


def tensor(value):
    if isinstance(value, str):
        return value
    value = array(value)
    return f"tensor({literal(value)})" if value.ndim else literal(value)


class Case:
    def __init__(self, name, about, source="torch", declarations="", f32=1e-5, f64=1e-9):
        self.name, self.about, self.source, self.declarations = name, about, source, declarations
        self.f32, self.f64 = f32, f64
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.given, self.inputs, self.checks, self.gradients, self.weights = [], {}, [], [], {}
        self.events = ""  # what is run between loading and comparing
        self.opening, self.table = "task compare {", {}  # the block that compares; columns of its table
        self.sums = {}  # by shape: the name and value of the u that gradients are taken with

    # ---- inputs ----
    def numbers(self, *shape, low=-2.0, high=2.0):
        """Random numbers of three digits, no two of them equal and none near 0."""
        count = int(np.prod(shape)) if shape else 1
        while True:
            value = np.round(self.random.uniform(low, high, count), 3)
            if len(set(np.abs(value))) == count and np.abs(value).min() > 0.01:
                return torch.tensor(value.reshape(shape))
            if count > 1000:
                return torch.tensor(value.reshape(shape))

    def let(self, name, value, bound=None, fixed=False):
        """An input by that name; with a bound, indices below it. No gradients are taken for a fixed one."""
        value = torch.as_tensor(value)
        if bound:
            self.given.append(f"let {name} = bounded(int({tensor(value)}), {bound})")
        elif value.dtype == torch.bool:
            self.given.append(f"let {name} = {tensor(value.double())} > 0")
        else:
            self.given.append(f"let {name} = {tensor(value.double())}")
            value = value.double()
            if fixed:
                return value
            self.inputs[name] = value.requires_grad_(True)
            return self.inputs[name]
        return value

    # ---- what is compared ----
    def check(self, text, want, label=None):
        """The value of a text; what is wanted are numbers, or the name of a column that has them."""
        if isinstance(want, str):
            self.checks.append((label or text, text, want))
            return
        want = array(want)
        whole = want.dtype.kind in "ib"
        value = f"float({text})" if whole else text
        self.checks.append((label or text, value, want.astype(float)))

    def gradient(self, text, value, *names, label=None):
        """Gradients of sum(text * u) for the inputs of these names; all it depends on when none is given."""
        value = torch.as_tensor(value)
        u_name, u = self.sum_of(tuple(value.shape))
        inputs = {n: x for n, x in self.inputs.items() if not names or n in names}
        models = {path: path.split(".", 1) for path in self.weights if self.weights[path].requires_grad}
        inputs |= {f'{model}["{rest}"]': self.weights[path] for path, (model, rest) in models.items()}
        found = torch.autograd.grad((value * u).sum(), list(inputs.values()), allow_unused=True, retain_graph=True)
        total = f"sum(({text}) * {u_name})" if value.ndim else text
        for (name, _), gradient in zip(inputs.items(), found):
            if gradient is not None:
                self.gradients.append((f"{label or text} by {name}", f"grad({total}, {name})", array(gradient)))

    def jax(self, text, f, *names, label=None):
        """Value and gradients of a function of JAX of the inputs of these names."""
        value, pull = jax.vjp(f, *[jnp.array(self.inputs[name].detach().numpy()) for name in names])
        self.check(text, np.array(value), label)
        u_name, u = self.sum_of(tuple(value.shape))
        total = f"sum(({text}) * {u_name})" if value.ndim else text
        for name, gradient in zip(names, pull(jnp.array(u.numpy()))):
            self.gradients.append((f"{label or text} by {name}", f"grad({total}, {name})", np.array(gradient)))

    def sum_of(self, shape):
        if shape not in self.sums:
            self.sums[shape] = (f"u{len(self.sums)}", self.numbers(*shape) if shape else torch.tensor(1.0))
        return self.sums[shape]

    def both(self, text, value, label=None):
        self.check(text, value, label)
        self.gradient(text, value, label=label)

    def weight(self, path, *shape, value=None):
        """A weight of the file that the case's models load, and that gradients are taken for."""
        self.weights[path] = (self.numbers(*shape, low=-0.8, high=0.8) if value is None else value).requires_grad_(True)
        return self.weights[path]

    def state(self, path, value):
        """A state of that file."""
        self.weights[path] = value
        return value

    # ---- writing ----
    def program(self, checks):
        lines = [f"# {self.about}", f"# recorded by tests/oracle/record.py with {VERSIONS[self.source]}",
                 f"# tolerance f32 {self.f32:g} f64 {self.f64:g}", OFF + self.declarations]
        for model in sorted({path.split(".")[0] for path in self.weights}):
            lines.append(f'load {model} from "{self.name}.json"')
        lines.append(self.events + self.opening)
        lines += ["  " + line for line in self.given]
        if checks is self.gradients:
            lines += [f"  let {name} = {tensor(u)}" for name, u in self.sums.values() if u.ndim]
        for label, text, want in checks:
            label = label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "; ")
            lines.append(f'  print "{label}", off({text}, {tensor(want)})')
        return "\n".join(lines) + "\n}\n"

    def write(self, folder):
        kinds = [("", self.checks), ("_gradient", self.gradients)]
        for suffix, checks in kinds:
            if checks:
                with open(os.path.join(folder, self.name + suffix + ".model"), "w") as file:
                    file.write(self.program(checks))
        if self.weights:
            weights = {path: {"shape": list(value.shape), "dtype": "f64", "data": value.detach().flatten().tolist()}
                       | ({} if value.requires_grad else {"state": True}) for path, value in self.weights.items()}
            with open(os.path.join(folder, self.name + ".json"), "w") as file:
                json.dump({"lathe": 1, "weights": weights}, file)
                file.write("\n")
        if self.table:
            with open(os.path.join(folder, self.name + ".csv"), "w") as file:
                rows = zip(*[[v if isinstance(v, str) else literal(v) for v in values] for values in self.table.values()])
                file.writelines(",".join(row) + "\n" for row in [tuple(self.table), *rows])
        return len(self.checks) + len(self.gradients)
