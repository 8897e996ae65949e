# Peer of bench:peers: the generator in JAX on the CPU, compiled, channels last. A transposed convolution is
# a convolution of the input with zeros in between, which XLA's CPU kernels take as it is (products of patches were slower).
import jax
import jax.numpy as jnp
import numpy as np

import generator

o = generator.arguments()


def deconv(x, w, stride, pad):
    k = w.shape[2]
    kernel = jnp.flip(jnp.asarray(w), (2, 3)).transpose(2, 3, 0, 1)  # [kh, kw, in, out]
    edge = k - 1 - pad
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), [(edge, edge)] * 2, lhs_dilation=(stride, stride), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


ACTIVATIONS = {None: lambda x: x, "relu": jax.nn.relu, "tanh": jnp.tanh}


def network(z):
    x = z
    for layer in generator.layers(o.file):
        if layer.kind == "dense":
            w, b = generator.channels_last(layer)
            c, h, width = layer.shape
            x = (x @ w + (0 if b is None else b)).reshape(-1, h, width, c)
        else:
            x = deconv(x, layer.w, layer.stride, layer.pad) + (0 if layer.b is None else layer.b)
        x = ACTIVATIONS[layer.activation](x)
    return x


compiled = jax.jit(network)
z = generator.latents(o.batch)
generator.serve(lambda: np.asarray(compiled(z)), o, {"jax": jax.__version__}, nhwc=True)
