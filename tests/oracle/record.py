"""Records every case again: python tests/oracle/record.py [NAME ...]

It needs torch, jax, optax, keras and numpy; the versions stand in each program. The tests need none of them."""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import jax
import keras
import numpy
import optax
import torch

import case
import functions
import layers
import tables
import training
import transforms

jax.config.update("jax_enable_x64", True)
keras.config.set_floatx("float64")
case.VERSIONS = {
    "torch": f"torch {torch.__version__.split('+')[0]}",
    "jax": f"jax {jax.__version__}",
    "optax": f"optax {optax.__version__}, jax {jax.__version__}",
    "keras": f"keras {keras.__version__}, torch {torch.__version__.split('+')[0]}",
    "numpy": f"numpy {numpy.__version__}",
}

HELPERS = {"serialize", "deserialize", "get"}


def documented():
    """Lines `TABLE NAME`, what the tables of docs/ must have a row for: names that are no second name of another."""
    for module in ("layers", "activations", "losses", "metrics", "optimizers", "optimizers.schedules", "initializers",
                   "regularizers", "constraints", "callbacks"):
        parts = keras
        for part in module.split("."):
            parts = getattr(parts, part)
        for name, value in sorted(vars(parts).items()):
            if callable(value) and value.__name__ == name and name not in HELPERS:
                yield f"from-keras.md {name}"
    for name in optax_names():
        yield f"from-jax.md {name}"
    for module in torch.optim, torch.optim.lr_scheduler:
        for name, value in sorted(vars(module).items()):
            if isinstance(value, type) and name[0] != "_" and value.__module__.startswith("torch.optim") and name not in (
                    "Optimizer", "LRScheduler"):
                yield f"from-pytorch.md {name}"


def optax_names():
    kinds = {"optimizer": optax._src.alias, "schedule": optax.schedules}
    for module in kinds.values():
        for name, value in sorted(vars(module).items()):
            if callable(value) and not name.startswith("_") and hasattr(optax, name) and name.islower():
                yield name


if __name__ == "__main__":
    with open(os.path.join(case.HERE, "documented"), "w") as file:
        file.writelines(line + "\n" for line in sorted(set(documented())))
    total = 0
    for make in functions.CASES + layers.CASES + tables.CASES + training.CASES + transforms.CASES:
        torch.manual_seed(0)
        made = make()
        if len(sys.argv) == 1 or made.name in sys.argv[1:]:
            total += made.write(case.HERE)
    print(total, "numbers and tensors recorded")
