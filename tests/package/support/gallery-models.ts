// Small models for the gallery's tests: a latent generator with all possible inputs, one with classes, an
// image-to-image one, and discriminators for the last two.
import { createHash } from 'node:crypto';
import type { ManifestInput, ManifestOutput } from '@forja/core';
import { GraphBuilder, sealModel } from '@forja/core/onnx';

const SIDE = 8;
const LAYERS = 3;

const sha256 = (bytes: Uint8Array): Promise<string> =>
  Promise.resolve(createHash('sha256').update(bytes).digest('hex'));

/** The graph with a manifest in it. */
const sealed = (g: GraphBuilder, manifest: Omit<Parameters<typeof sealModel>[1], 'version' | 'producer'>) =>
  sealModel(g.build(), { version: 1, producer: 'test', ...manifest }, sha256);

const picture = (name: string, ...sides: (number | string)[]): Omit<ManifestOutput, 'role'> => ({
  name,
  dtype: 'float32',
  shape: ['batch', 3, ...sides],
  range: [-1, 1],
  layout: 'nchw',
});
const row = (name: string, role: ManifestInput['role'], ...shape: number[]): ManifestInput => ({
  name,
  role,
  dtype: 'float32',
  shape: ['batch', ...shape],
});

/**
 * 8 × 8 in colour: channel l is tanh of the outer product of ψ·z (from `layer` on: ψ·mix) with a ramp, plus the sum of
 * the text's tokens, plus a number of noise.
 */
export async function styledModel(): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'styled' });
  const ints = (...values: number[]) => g.constant('int64', [values.length], values);
  const column = (value: ReturnType<typeof ints>) => g.op('Unsqueeze', [value, ints(1)]);
  const psi = column(g.input('psi', 'float32', ['batch']));
  const layer = column(g.input('layer', 'int32', ['batch']));
  const own = column(g.op('Mul', [g.input('z', 'float32', ['batch', SIDE]), psi]));
  const other = column(g.op('Mul', [g.input('mix', 'float32', ['batch', SIDE]), psi]));
  const numbers = g.constant('int32', [1, LAYERS], [0, 1, 2]);
  const styles = g.op('Where', [g.op('Unsqueeze', [g.op('Less', [numbers, layer]), ints(2)]), own, other]);
  const tokens = g.op('Cast', [g.input('text', 'int32', ['batch', 2])], { to: 1 });
  const light = g.op('Unsqueeze', [g.op('ReduceSum', [tokens, ints(1)], { keepdims: 1 }), ints(2)]);
  const ramp = g.constant('float32', [1, 1, 1, SIDE], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
  const noisy = g.op('Add', [light, g.op('Unsqueeze', [g.input('noise', 'float32', ['batch', 1]), ints(2)])]);
  const rows = g.op('Unsqueeze', [g.op('Add', [styles, noisy]), ints(3)]);
  g.output('image', g.op('Tanh', [g.op('Mul', [rows, ramp])]));
  return sealed(g, {
    kind: 'latent',
    inputs: [
      row('psi', 'psi'),
      { ...row('layer', 'layer'), dtype: 'int32', range: [0, LAYERS] },
      { ...row('z', 'latent', SIDE), distribution: 'normal' },
      { ...row('mix', 'mix', SIDE), distribution: 'normal' },
      { ...row('noise', 'noise', 1), distribution: 'normal' },
      { ...row('text', 'text', 2), dtype: 'int32', vocabulary: ['', 'red', 'green'] },
    ],
    outputs: [{ ...picture('image', SIDE, SIDE), role: 'image' }],
  });
}

/** Inverts pictures with sides of 8 to 32 pixels, multiples of 4. */
export async function turnedModel(): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'turned' });
  g.output('y', g.op('Neg', [g.input('x', 'float32', ['batch', 3, 'height', 'width'])]));
  return sealed(g, {
    kind: 'image-to-image',
    steps: { height: 4, width: 4 },
    bounds: { height: [8, 32], width: [8, 32] },
    inputs: [{ ...picture('x', 'height', 'width'), role: 'image' }],
    outputs: [{ ...picture('y', 'height', 'width'), role: 'image' }],
  });
}

/** Classes of {@link classedModel}. */
export const CLASSES = ['dark', 'middle', 'light'];

/** 8 × 8 in grey, in three classes: tanh of z, a number a column, plus class − 1. */
export async function classedModel(): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'classed' });
  const label = g.op('Cast', [g.input('label', 'int32', ['batch'])], { to: 1 });
  const light = g.op('Sub', [label, g.constant('float32', [1], [1])]);
  const axes = (...values: number[]) => g.constant('int64', [values.length], values);
  const columns = g.op('Unsqueeze', [g.input('z', 'float32', ['batch', SIDE]), axes(1, 2)]);
  const rows = g.op('Add', [columns, g.constant('float32', [1, 1, SIDE, 1], Array<number>(SIDE).fill(0))]);
  g.output('image', g.op('Tanh', [g.op('Add', [rows, g.op('Unsqueeze', [light, axes(1, 2, 3)])])]));
  return sealed(g, {
    kind: 'latent',
    inputs: [
      { ...row('label', 'label'), dtype: 'int32', classes: CLASSES },
      { ...row('z', 'latent', SIDE), distribution: 'normal' },
    ],
    outputs: [{ ...picture('image', SIDE, SIDE), shape: ['batch', 1, SIDE, SIDE], role: 'image' }],
  });
}

/** The score is σ of the mean of all numbers of a picture, plus its class − 1 if it takes one. */
async function meanModel(image: Omit<ManifestInput, 'role'>, classes?: string[]): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'mean' });
  const axes = g.constant('int64', [3], [1, 2, 3]);
  let score = g.op('ReduceMean', [g.input('image', 'float32', image.shape), axes], { keepdims: 0 });
  if (classes) {
    const label = g.op('Cast', [g.input('label', 'int32', ['batch'])], { to: 1 });
    score = g.op('Add', [score, g.op('Sub', [label, g.constant('float32', [1], [1])])]);
  }
  g.output('score', g.op('Sigmoid', [score]));
  return sealed(g, {
    kind: 'function',
    inputs: [
      { ...image, role: 'image' },
      ...(classes ? [{ ...row('label', 'label'), dtype: 'int32' as const, classes }] : []),
    ],
    outputs: [{ name: 'score', role: 'score', dtype: 'float32', shape: ['batch'], range: [0, 1] }],
  });
}

/** Judges pictures of {@link classedModel}, each as one of its class. */
export const classedDiscriminator = (): Promise<Uint8Array> =>
  meanModel({ ...picture('image', SIDE, SIDE), shape: ['batch', 1, SIDE, SIDE] }, CLASSES);

/** Judges pictures of {@link turnedModel}. */
export const turnedDiscriminator = (): Promise<Uint8Array> => meanModel(picture('image', 'height', 'width'));
