// The manifest of an export: roles, ranges and layouts, from the caller's options and the program.
import type { Dim, Manifest, ManifestInput, ManifestOutput, Role } from '@forja/core';
import { dimOf } from '../lower/symbols.js';
import type { Program, Size, ValueId } from '../program/program.js';
import { movedFrom, producers } from '../program/graph.js';
import { isPicture } from './pictures.js';
import type { SubjectInput } from './subject.js';

/** Options of an output. */
export interface OutputOption {
  name?: string;
  role?: 'image' | 'tensor' | 'score';
  /** Closed interval of the values. */
  range?: [number, number];
}

/** Layout of four-dimensional inputs and outputs in the file; tfjs's own is `nhwc`. */
export interface LayoutOption {
  inputs?: 'nhwc' | 'nchw';
  outputs?: 'nhwc' | 'nchw';
}

/** Inputs and outputs for the manifest. Shapes are those in the file. */
export interface Description {
  kind: Manifest['kind'];
  inputs: ManifestInput[];
  outputs: ManifestOutput[];
}

const NCHW = [0, 3, 1, 2] as const;

/** Axis order of a four-dimensional value in the file; undefined for tfjs's own. */
export function orderOf(rank: number, layout: 'nhwc' | 'nchw' | undefined): readonly number[] | undefined {
  return rank === 4 && layout === 'nchw' ? NCHW : undefined;
}

/** The shape in the file's axis order. */
function fileShape(shape: readonly Size[], layout: 'nhwc' | 'nchw' | undefined): Dim[] {
  return (orderOf(shape.length, layout) ?? shape.map((_, i) => i)).map((axis) => dimOf(shape[axis] ?? 1));
}

/** Interval of the values, if the call that makes them bounds them. */
export function rangeOf(program: Program, id: ValueId): [number, number] | undefined {
  const from = producers(program);
  for (let [at, call] = [id, from.get(id)]; call !== undefined;) {
    const activation =
      call.kernel.startsWith('Fused') || call.kernel === '_FusedMatMul' ? call.attrs['activation'] : undefined;
    if (call.kernel === 'Tanh') return [-1, 1];
    if (call.kernel === 'Sigmoid' || activation === 'sigmoid' || call.kernel === 'Softmax') return [0, 1];
    const [low, high] = [call.attrs['clipValueMin'], call.attrs['clipValueMax']];
    if (call.kernel === 'ClipByValue')
      return typeof low === 'number' && typeof high === 'number' && Number.isFinite(low) && Number.isFinite(high)
        ? [low, high]
        : undefined;
    const x = movedFrom(call, at);
    if (x === undefined) return undefined;
    [at, call] = [x, from.get(x)];
  }
  return undefined;
}

/**
 * Inputs, outputs and kind of an optimized program. `specs` are the caller's inputs; random inputs of the program get
 * the role `noise`.
 */
export function describe(
  program: Program,
  specs: readonly SubjectInput[],
  options: readonly OutputOption[],
  layout: LayoutOption,
): Description {
  const outputs = program.outputs.map(({ name, value }, i): ManifestOutput => {
    const { dtype, shape } = program.values[value] ?? { dtype: 'float32', shape: [] };
    const option = options[i];
    const role = option?.role ?? (isPicture(shape) && dtype === 'float32' ? 'image' : 'tensor');
    const range = option?.range ?? rangeOf(program, value);
    return {
      name,
      role,
      dtype,
      shape: fileShape(shape, layout.outputs),
      ...(range === undefined ? {} : { range }),
      ...(shape.length === 4 ? { layout: layout.outputs ?? 'nhwc' } : {}),
    };
  });
  const makesPictures = outputs[0]?.role === 'image';
  const vectors = specs.filter(
    (spec) => spec.role === undefined && spec.dtype === 'float32' && spec.shape.length === 2,
  );
  const inputs = program.inputs.map(({ name, value, random }): ManifestInput => {
    const { dtype, shape } = program.values[value] ?? { dtype: 'float32', shape: [] };
    const spec = specs.find((s) => s.name === name);
    // The only vector input of a generator of pictures is its latent, unless the caller names another.
    const latent =
      makesPictures && vectors.length === 1 && vectors[0] === spec && !specs.some((s) => s.role === 'latent');
    const role = inputRole(
      random !== undefined
        ? 'noise'
        : (spec?.role ?? (latent ? 'latent' : isPicture(shape) && dtype === 'float32' ? 'image' : 'tensor')),
    );
    const drawn =
      random?.distribution ?? spec?.random ?? (role === 'latent' || role === 'noise' ? 'normal' : undefined);
    return {
      name,
      role,
      dtype,
      shape: fileShape(shape, layout.inputs),
      ...(drawn === 'normal' || drawn === 'uniform' ? { distribution: drawn } : {}),
      ...(spec?.range === undefined ? {} : { range: spec.range }),
      ...(spec?.classes === undefined ? {} : { classes: [...spec.classes] }),
      ...(spec?.vocabulary === undefined ? {} : { vocabulary: [...spec.vocabulary] }),
      ...(shape.length === 4 ? { layout: layout.inputs ?? 'nhwc' } : {}),
    };
  });
  return { kind: kindOf(inputs, outputs), inputs, outputs };
}

function inputRole(role: Role): ManifestInput['role'] {
  return role === 'score' ? 'tensor' : role;
}

function kindOf(inputs: readonly ManifestInput[], outputs: readonly ManifestOutput[]): Manifest['kind'] {
  const [output] = outputs;
  if (output?.role !== 'image') return 'function';
  if (inputs.some(({ role }) => role === 'latent')) return 'latent';
  const [picture, second] = inputs.filter(({ role }) => role === 'image');
  if (picture === undefined || second !== undefined) return 'function';
  const area = ({ shape, layout }: { shape: Dim[]; layout?: 'nchw' | 'nhwc' }): string =>
    (layout === 'nchw' ? shape.slice(2) : shape.slice(1, 3)).join();
  return area(picture) === area(output) ? 'image-to-image' : 'super-resolution';
}
