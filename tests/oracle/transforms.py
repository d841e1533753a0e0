"""Cases of transforms, beside JAX: grad, hvp, jacobian, scan, map, if; alone and nested."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from case import Case


def numbers(c, *names):
    return [jnp.array(c.inputs[name].detach().numpy()) for name in names]


def derivatives():
    c = Case("derivatives", "grad, grad of grad, hvp, jacobian, stop", "jax")
    c.let("x", c.numbers(3)), c.let("v", c.numbers(3)), c.let("A", c.numbers(2, 3))
    x, v, A = numbers(c, "x", "v", "A")
    f = lambda x: jnp.sum(jnp.sin(x) * x ** 2 * x[::-1])
    F = "sum(sin(x) * x ** 2 * flip(x))"
    c.check(f"grad({F}, x)", jax.grad(f)(x))
    c.check("grad(sum(grad(sum(x ** 4), x) * v), x)", jax.grad(lambda x: jnp.sum(jax.grad(lambda x: jnp.sum(x ** 4))(x) * v))(x))
    third = jax.grad(lambda x: jnp.sum(jax.grad(lambda x: jnp.sum(jax.grad(lambda x: jnp.sum(jnp.exp(0.5 * x)))(x)))(x)))
    c.check("grad(sum(grad(sum(grad(sum(exp(0.5 * x)), x)), x)), x)", third(x))
    c.check(f"hvp({F}, x, v)", jax.jvp(jax.grad(f), (x,), (v,))[1])
    c.check("jacobian(tanh(A @ x), x)", jax.jacobian(lambda x: jnp.tanh(A @ x))(x))
    c.check(f"jacobian(grad({F}, x), x)", jax.hessian(f)(x))
    c.check("grad(sum(stop(x ** 2) * x), x)", jax.grad(lambda x: jnp.sum(lax.stop_gradient(x ** 2) * x))(x))
    a, b = jax.grad(lambda x, v: jnp.sum(jnp.exp(x * v)), (0, 1))(x, v)
    c.check("grad(sum(exp(x * v)), [x, v]).0", a)
    c.check("grad(sum(exp(x * v)), [x, v]).1", b)
    return c


def scans():
    c = Case("scans", "scan along a tensor, counted, with two carries, nested", "jax")
    c.declarations = """fn running(xs: [T, 3], h0: [3]) -> [T, 3] = scan xs over T with h = h0 { h = tanh(xs + 0.5 * h); yield h }
fn final(xs: [T, 3], h0: [3]) -> [3] = scan xs over T with h = h0 { h = tanh(xs + 0.5 * h) }
fn counted(h0: [3]) -> [3] = scan i in 0..5 with h = h0 { h = 0.9 * h + sin(h) }
fn two(xs: [T, 3], h0: [3]) -> [T, 3] =
  scan xs over T with h = h0, s = zeros([3]) { s = s + xs * h; h = cos(h + s); yield h * s }
fn nested(xs: [T, 3], h0: [3]) -> [3] =
  scan xs over T with h = h0 { h = scan i in 0..3 with g = h { g = sin(g) + 0.3 * xs } }
"""
    c.let("xs", c.numbers(4, 3)), c.let("h0", c.numbers(3))
    step = lambda h, x: (jnp.tanh(x + 0.5 * h),) * 2
    c.jax("running(xs, h0)", lambda xs, h: lax.scan(step, h, xs)[1], "xs", "h0")
    c.jax("final(xs, h0)", lambda xs, h: lax.scan(step, h, xs)[0], "xs", "h0")
    c.jax("counted(h0)", lambda h: lax.fori_loop(0, 5, lambda i, h: 0.9 * h + jnp.sin(h), h), "h0")

    def both(carry, x):
        h, s = carry
        s = s + x * h
        h = jnp.cos(h + s)
        return (h, s), h * s

    c.jax("two(xs, h0)", lambda xs, h: lax.scan(both, (h, jnp.zeros(3)), xs)[1], "xs", "h0")
    inner = lambda h, x: (lax.fori_loop(0, 3, lambda i, g: jnp.sin(g) + 0.3 * x, h), 0)
    c.jax("nested(xs, h0)", lambda xs, h: lax.scan(inner, h, xs)[0], "xs", "h0")
    return c


def loops():
    c = Case("loops", "scan with while, if at run time", "jax")
    c.declarations = """fn doubled(h0: [3]) -> [3] = scan i in 0..50 with h = h0 while sum(h ** 2) < 100 { h = 1.5 * h + 0.1 }
fn chosen(x: [3]) -> [3] = if sum(x) > 0 { x ** 2 } else { sin(x) }
"""
    c.let("h0", c.numbers(3)), c.let("x", c.numbers(3))
    more = lambda s: (s[0] < 50) & (jnp.sum(s[1] ** 2) < 100)
    h0, x = numbers(c, "h0", "x")
    c.check("doubled(h0)", lax.while_loop(more, lambda s: (s[0] + 1, 1.5 * s[1] + 0.1), (0, h0))[1])
    choose = lambda x: lax.cond(jnp.sum(x) > 0, lambda x: x ** 2, jnp.sin, x)
    c.jax("chosen(x)", choose, "x")
    c.jax("chosen(-x)", lambda x: choose(-x), "x")
    return c


def maps():
    c = Case("maps", "map: rows on their own, gradients of each, nested, with a scan inside", "jax")
    c.let("xs", c.numbers(4, 3)), c.let("w", c.numbers(3)), c.let("ys", c.numbers(2, 3))
    xs, w, ys = numbers(c, "xs", "w", "ys")
    own = lambda x, w: jnp.sum(jnp.tanh(x * w) * x[::-1])
    c.declarations = """fn own(x: [D], w: [D]) -> [] = sum(tanh(x * w) * flip(x))
fn rows(xs: [B, D], w: [D]) -> [B] = map xs over B { own(xs, w) }
fn each_gradient(xs: [B, D], w: [D]) -> [B, D] = map xs over B { grad(own(xs, w), w) }
fn pairs(xs: [B, D], ys: [M, D]) -> [B, M] = map xs over B { map ys over M { own(xs, ys) } }
fn walks(xs: [B, D]) -> [B, D] = map xs over B { scan i in 0..3 with h = xs { h = sin(h) + 0.2 * flip(h) } }
"""
    c.jax("rows(xs, w)", lambda xs, w: jax.vmap(own, (0, None))(xs, w), "xs", "w")
    c.jax("each_gradient(xs, w)", lambda xs, w: jax.vmap(jax.grad(own, 1), (0, None))(xs, w), "xs", "w")
    c.jax("pairs(xs, ys)", lambda xs, ys: jax.vmap(lambda x: jax.vmap(lambda y: own(x, y))(ys))(xs), "xs", "ys")
    walk = lambda x: lax.fori_loop(0, 3, lambda i, h: jnp.sin(h) + 0.2 * h[::-1], x)
    c.jax("walks(xs)", jax.vmap(walk), "xs")
    return c


CASES = [derivatives, scans, loops, maps]
