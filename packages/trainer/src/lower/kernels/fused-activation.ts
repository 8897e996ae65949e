// The activations that tfjs fuses into convolutions and matrix products, applied to values in physical order.
import type { Value } from '@forja/core/onnx';
import type { BoundCall, LowerContext, Logical, Perm } from '../contract.js';
import { optionalInput } from './spatial.js';

type Activation = (value: Value, ctx: LowerContext, call: BoundCall, slope: () => Value) => Value;

const ACTIVATIONS: Record<string, Activation> = {
  linear: (value) => value,
  relu: (value, ctx) => ctx.op('Relu', [value]),
  relu6: (value, ctx) => ctx.op('Clip', [value, ctx.scalar(0), ctx.scalar(6)]),
  elu: (value, ctx) => ctx.op('Elu', [value], { alpha: 1 }),
  sigmoid: (value, ctx) => ctx.op('Sigmoid', [value]),
  // If a model omits the slope, tfjs uses 0.2.
  leakyrelu: (value, ctx, call) =>
    ctx.op('LeakyRelu', [value], {
      alpha: typeof call.attrs['leakyreluAlpha'] === 'number' ? call.attrs['leakyreluAlpha'] : 0.2,
    }),
  prelu: (value, ctx, _call, slope) => ctx.op('PRelu', [value, slope()]),
};

/**
 * Applies the call's `activation`. `place` turns the PReLU weights into a value that broadcasts in the physical order
 * of `value`.
 */
export function activate(value: Value, call: BoundCall, ctx: LowerContext, place: (weights: Logical) => Value): Value {
  const name = call.attrs['activation'] ?? 'linear';
  const activation = typeof name === 'string' ? ACTIVATIONS[name] : undefined;
  if (activation === undefined) return ctx.unsupported(`fused activation ${JSON.stringify(name)}`);
  return activation(value, ctx, call, () => {
    const weights = optionalInput(call, 'preluActivationWeights');
    return weights === undefined ? ctx.unsupported('fused prelu without its weights') : place(weights);
  });
}

/**
 * A bias or slope for a picture stored NCHW. In either data format tfjs aligns a vector with the channels, and anything
 * else with the trailing axes.
 */
export function alongChannels(value: Logical, ctx: LowerContext, channelAxis: number, nchw: Perm): Value {
  const size = value.shape[0];
  if (value.rank === 1 && size !== 1 && channelAxis === 1) return ctx.reshape(ctx.get(value), [size ?? 1, 1, 1]);
  return ctx.broadcast(value, 4, nchw);
}
