// Rewrites constants whose shape depends on a dynamic dim as ops: a Fill if all numbers are equal, else a Tile of the
// part that repeats.
import type { ConstantData, KernelCall, Program, ValueId } from '../program/program.js';

/** One constant at one size. */
export interface Version {
  shape: readonly number[];
  data: ConstantData;
}

/**
 * Calls that compute value `id` of `program`, which has a symbolic shape. Undefined unless the data repeats along the
 * dynamic axes, and does so with the same part at every size.
 */
export function fromSlices(program: Program, id: ValueId, versions: readonly Version[]): KernelCall[] | undefined {
  const value = program.values[id];
  if (value === undefined) return undefined;
  const dynamic = value.shape.map((size) => typeof size !== 'number');
  const parts = versions.map((version) => slice(version, dynamic));
  const [part] = parts;
  if (
    part === undefined ||
    !parts.every((p) => p !== undefined && p.length === part.length && p.every((v, i) => Object.is(v, part[i])))
  )
    return undefined;
  const [number = 0] = part;
  if (part.every((v) => Object.is(v, number)))
    return [
      {
        kernel: 'Fill',
        inputs: {},
        attrs: { shape: [...value.shape], value: number, dtype: value.dtype },
        outputs: [id],
      },
    ];
  const small =
    program.values.push({ dtype: value.dtype, shape: value.shape.map((size, i) => (dynamic[i] === true ? 1 : size)) }) -
    1;
  program.constants.set(small, part);
  return [
    {
      kernel: 'Tile',
      inputs: { x: small },
      attrs: { reps: value.shape.map((size, i) => (dynamic[i] === true ? size : 1)) },
      outputs: [id],
    },
  ];
}

/** The data at index 0 of the dynamic axes, if it is the same at every index. */
function slice({ shape, data }: Version, dynamic: readonly boolean[]): ConstantData | undefined {
  const length = shape.reduce((n, size, i) => (dynamic[i] === true ? n : n * size), 1);
  const part = data.slice(0, length);
  const seen = new Uint8Array(length);
  for (let flat = 0; flat < data.length; flat++) {
    let [rest, index, stride] = [flat, 0, 1];
    for (let i = shape.length - 1; i >= 0; i--) {
      const size = shape[i] ?? 1;
      if (dynamic[i] !== true) {
        index += (rest % size) * stride;
        stride *= size;
      }
      rest = Math.floor(rest / size);
    }
    const v = data[flat] ?? 0;
    if (seen[index] === 0) [part[index], seen[index]] = [v, 1];
    else if (!Object.is(part[index], v)) return undefined;
  }
  return part;
}
