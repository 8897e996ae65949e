// What a session takes and gives. Runtimes say too little of it: an open size without a name comes as `''` or as
// 4294967295, a size above 32 bits is cut, and a value without a shape looks like a scalar. So the file is asked too.
import { ModelFormatError } from '../errors.js';
import { ARRAY_OF } from '../tensor.js';
import type { DType, Dim, TensorSpec } from '../tensor.js';
import { declaredShapes } from './skim.js';

/** What onnxruntime says of an input or output. */
export type ValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | { readonly name: string; readonly isTensor: true; readonly type: string; readonly shape: readonly Dim[] };

/** Specs of a session's inputs or outputs, of which `model` is the file. Open sizes that have no name get one. */
export function specsOf(model: Uint8Array, metadata: readonly ValueMetadata[]): TensorSpec[] {
  const declared = declaredShapes(model);
  return metadata.map((value) => {
    const { name } = value;
    if (!value.isTensor)
      throw new ModelFormatError('model.unsupported', `${name}: expected a tensor, got a sequence, map or optional`);
    const said = declared.get(name);
    const shape = value.shape.map((dim, axis) => sizeOr(`${name}_dim_${axis}`, dim, said?.[axis]));
    const unranked = shape.length === 0 && said === undefined;
    return { name, dtype: dtypeOf(value.type, name), shape, ...(unranked ? { unranked } : {}) };
  });
}

/** Our name of an element type of onnxruntime's, of the value `where`. */
export function dtypeOf(type: string, where: string): DType {
  if (Object.hasOwn(ARRAY_OF, type)) return type as DType; // just looked up
  throw new ModelFormatError(
    'model.unsupported',
    `${where}: expected a tensor of ${Object.keys(ARRAY_OF).join(', ')}, got ${type}`,
  );
}

/** What onnxruntime-web makes of −1, which stands for an open size. */
const OPEN = 2 ** 32 - 1;

/**
 * A size or its name, else `unnamed`. A name without a letter (`?`, `-1`) is none: writers of such files mean different
 * sizes by it.
 */
function sizeOr(unnamed: string, dim: Dim, said: Dim | undefined): Dim {
  if (typeof dim === 'string') return /\p{L}/u.test(dim) ? dim : unnamed;
  if (typeof said === 'number' && said % 2 ** 32 === dim) return said;
  return dim >= 0 && dim !== OPEN ? dim : unnamed;
}
