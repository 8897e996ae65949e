// Calls on which tfjs's cpu and WASM kernels go wrong, and the calls that give what TensorFlow gives. In force wherever
// Forja's gradients are: in traces and in eager steps.
import * as tf from '@tensorflow/tfjs';
import { override } from './engine.js';

type Inputs = Readonly<Record<string, tf.Tensor | null | undefined>>;
type Attributes = Readonly<Record<string, unknown>>;
type Run = (inputs: Inputs, attrs: Attributes) => tf.Tensor;

/** Gives the result of a call by other calls; `run` calls the same kernel. Undefined if the call is right as it is. */
type Mend = (inputs: Inputs, attrs: Attributes, run: Run) => tf.Tensor | undefined;

/** The axis of a running sum or product, counted from the front: for a negative one, tfjs returns nothing. */
const running: Mend = (inputs, attrs, run) => {
  const [axis, rank] = [Number(attrs['axis'] ?? 0), inputs['x']?.rank ?? 0];
  return axis < 0 && axis >= -rank ? run(inputs, { ...attrs, axis: axis + rank }) : undefined;
};

const numbers = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : []);

/**
 * A slice with steps that also takes single elements of some axes (`shrinkAxisMask`): tfjs loses track of the axes and
 * reads other elements. The elements are taken as slices of one instead, and their axes are then left out.
 */
const stridedSlice: Mend = (inputs, attrs, run) => {
  const [begin, end, strides] = [numbers(attrs['begin']), numbers(attrs['end']), numbers(attrs['strides'])];
  const mask = (name: string): number => Number(attrs[name] ?? 0);
  const { x } = inputs;
  if (x === undefined || x === null || mask('shrinkAxisMask') === 0 || strides.every((step) => step === 1))
    return undefined;
  let [beginMask, endMask] = [mask('beginMask'), mask('endMask')];
  const [ellipsis, added] = [mask('ellipsisMask'), mask('newAxisMask')];
  const { finalShape } = tf.slice_util.sliceInfo(
    x.shape,
    [...begin],
    [...end],
    [...strides],
    beginMask,
    endMask,
    ellipsis,
    added,
    mask('shrinkAxisMask'),
  );
  begin.forEach((from, i) => {
    const bit = 1 << i;
    if ((mask('shrinkAxisMask') & bit) === 0 || ((ellipsis | added) & bit) !== 0) return;
    [end[i], strides[i]] = [from + 1, 1];
    beginMask &= ~bit;
    endMask = from === -1 ? endMask | bit : endMask & ~bit;
  });
  const taken = run(inputs, { ...attrs, begin, end, strides, beginMask, endMask, shrinkAxisMask: 0 });
  return tf.reshape(taken, finalShape);
};

/** Backends whose kernels read batch norm statistics as vectors along the last axis, whatever their shape. */
const PLAIN: ReadonlySet<string> = new Set(['cpu', 'wasm']);

/** A batch norm along another axis than the last: its statistics are broadcast first. */
const batchNorm: Mend = (inputs, attrs, run) => {
  const { x, ...statistics } = inputs;
  if (x === undefined || x === null || !PLAIN.has(tf.getBackend())) return undefined;
  const wide = (one: tf.Tensor | null | undefined): boolean => (one?.rank ?? 0) > 1 && one?.size !== x.size;
  if (!Object.values(statistics).some(wide)) return undefined;
  const spread = Object.entries(statistics).map(([name, one]) => [
    name,
    one !== undefined && one !== null && wide(one) ? tf.broadcastTo(one, x.shape) : one,
  ]);
  return run({ x, ...(Object.fromEntries(spread) as Inputs) }, attrs);
};

/**
 * A sum over an index that only one operand has: tfjs takes one element of the axis instead of all. The operand is
 * summed first. An einsum that changes nothing returns its operand in tfjs, disposed.
 */
const einsum: Mend = (inputs, attrs, run) => {
  const operands = Object.values(inputs).filter((one) => one !== undefined && one !== null);
  const [terms = '', result = ''] = String(attrs['equation']).replaceAll(' ', '').split('->');
  const letters = terms.split(',');
  const [x, ...more] = operands;
  if (x !== undefined && more.length === 0) return letters[0] === result ? tf.clone(x) : undefined;
  const kept = letters.map((own, i) => {
    const others = result + letters.filter((_, j) => j !== i).join('');
    return [...own].filter((letter) => others.includes(letter)).join('');
  });
  if (kept.join() === letters.join()) return undefined;
  const summed = operands.map((one, i) => {
    const axes = [...(letters[i] ?? '')].flatMap((letter, axis) => (kept[i]?.includes(letter) === true ? [] : [axis]));
    return axes.length === 0 ? one : tf.sum(one, axes);
  });
  const scalar = kept.indexOf('');
  // tfjs has no einsum of scalars
  if (scalar !== -1 && summed.length === 2) {
    const [factor, other] = [summed[scalar], summed[1 - scalar]] as [tf.Tensor, tf.Tensor]; // two, by their length
    const left = kept[1 - scalar] ?? '';
    return tf.mul(factor, left === result ? other : tf.einsum(`${left}->${result}`, other));
  }
  return run(summed as unknown as Inputs, { ...attrs, equation: `${kept.join()}->${result}` });
};

const MENDS: Readonly<Record<string, Mend>> = {
  Cumprod: running,
  Cumsum: running,
  Einsum: einsum,
  FusedBatchNorm: batchNorm,
  StridedSlice: stridedSlice,
};

/** Makes tfjs compute such calls as TensorFlow does. Returns a function that undoes it. */
export function mendKernels(): () => void {
  const engine = tf.engine();
  return override(
    engine,
    'runKernel',
    (original) =>
      function (this: typeof engine, name, inputs, attrs) {
        const mend = Object.hasOwn(MENDS, name) ? MENDS[name] : undefined;
        const run = (given: object, with_: object): tf.Tensor =>
          original.call(this, name, given as typeof inputs, with_ as typeof attrs) as tf.Tensor; // these return one
        const mended = mend && tf.tidy(() => mend(inputs as unknown as Inputs, attrs ?? {}, run) ?? []);
        return (mended instanceof tf.Tensor ? mended : original.call(this, name, inputs, attrs)) as never; // generic
      },
  );
}
