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

if __name__ == "__main__":
    total = 0
    for make in functions.CASES + layers.CASES + training.CASES + transforms.CASES:
        torch.manual_seed(0)
        made = make()
        if len(sys.argv) == 1 or made.name in sys.argv[1:]:
            total += made.write(case.HERE)
    print(total, "numbers and tensors recorded")
