// Reorders dense data on the host: constants before they are stored, state when it is loaded or read.
import type { ConstantData } from '../program/program.js';
import type { Perm } from './contract.js';

/**
 * Reorders row-major data of logical `shape` to order `perm`: physical axis i is logical axis perm[i]. Returns `data`
 * itself if nothing moves.
 */
export function permuted<T extends ConstantData>(data: T, shape: readonly number[], perm: Perm): T {
  const moving = perm.filter((axis) => shape[axis] !== 1);
  if (moving.every((axis, i) => i === 0 || axis > (moving[i - 1] ?? -1))) return data;
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] ?? 1) * (shape[i + 1] ?? 1);
  const sizes = perm.map((axis) => shape[axis] ?? 1);
  const steps = perm.map((axis) => strides[axis] ?? 1);
  const result = data.slice() as T; // a copy of the same class and length
  const last = sizes.length - 1;
  const [width, step] = [sizes[last] ?? 1, steps[last] ?? 1];
  const index = new Array<number>(sizes.length).fill(0);
  let source = 0;
  for (let at = 0; at < data.length;) {
    for (let i = 0; i < width; i++) result[at++] = data[source + i * step] ?? 0;
    for (let axis = last - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      source += steps[axis] ?? 0;
      if (next < (sizes[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      source -= next * (steps[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}

/** The order that undoes `perm`. */
export function inverse(perm: Perm): Perm {
  return perm.map((_, axis) => perm.indexOf(axis));
}
