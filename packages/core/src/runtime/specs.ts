// Specs of a session's inputs and outputs. onnxruntime's metadata is incomplete (an unnamed dynamic size is `''` or
// 4294967295, a size above 32 bits is truncated, and a value without a shape looks like a scalar), so the file is read
// too.
import { ModelFormatError } from '../errors.js';
import { listOf, ownBytes } from '../realm.js';
import { ARRAY_OF } from '../tensor.js';
import type { DType, Dim, TensorSpec } from '../tensor.js';
import { declaredShapes } from './skim.js';

/** onnxruntime's metadata of an input or output. */
export type ValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | { readonly name: string; readonly isTensor: true; readonly type: string; readonly shape: readonly Dim[] };

/** Specs of a session's inputs or outputs; `model` is the file. Unnamed dynamic sizes get a name. */
export function specsOf(model: Uint8Array, metadata: readonly ValueMetadata[]): TensorSpec[] {
  const declared = declaredShapes(ownBytes('specsOf.model', model));
  return listOf('specsOf.metadata', metadata).map((value) => {
    const { name } = value;
    // onnxruntime's JavaScript keeps tensors by name in plain objects, where this name is the prototype.
    if (name === '__proto__')
      throw new ModelFormatError(
        'model.unsupported',
        `${name}: expected another name for an input or output, got the one that JavaScript keeps for itself; ` +
          'rename it in the file',
      );
    if (!value.isTensor)
      throw new ModelFormatError('model.unsupported', `${name}: expected a tensor, got a sequence, map or optional`);
    const said = declared.get(name);
    const shape = value.shape.map((dim, axis) => sizeOr(`${name}_dim_${axis}`, dim, said?.[axis]));
    const unranked = shape.length === 0 && said === undefined;
    return { name, dtype: dtypeOf(value.type, name), shape, ...(unranked ? { unranked } : {}) };
  });
}

/** Our dtype for onnxruntime's element type; `where` names the value. */
export function dtypeOf(type: string, where: string): DType {
  if (Object.hasOwn(ARRAY_OF, type)) return type as DType; // a key of ARRAY_OF
  throw new ModelFormatError(
    'model.unsupported',
    `${where}: expected a tensor of ${Object.keys(ARRAY_OF).join(', ')}, got ${type}`,
  );
}

/** onnxruntime-web's value for −1, a dynamic size. */
const OPEN = 2 ** 32 - 1;

/**
 * A size or its name, else `unnamed`. A name without a letter (`?`, `-1`) does not count, because files use the same
 * such name for different sizes.
 */
function sizeOr(unnamed: string, dim: Dim, said: Dim | undefined): Dim {
  if (typeof dim === 'string') return /\p{L}/u.test(dim) ? dim : unnamed;
  if (typeof said === 'number' && said % 2 ** 32 === dim) return said;
  return dim >= 0 && dim !== OPEN ? dim : unnamed;
}
