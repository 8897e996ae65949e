// The same element-wise arithmetic on many tensors, small ones laid side by side in one vector: a network has many
// biases and scales, and each kernel call of a handful of numbers costs as much as one of thousands.
import * as tf from '@tensorflow/tfjs';

/** Up to so many elements a tensor is copied into the vector and back for less than calls of its own cost. */
const SMALL = 4096;

/** Small tensors are vectors or matrices; filters keep the order of axes that the convolutions give them. */
const isSmall = ([first]: readonly tf.Tensor[]): boolean =>
  first !== undefined && first.rank <= 2 && first.size <= SMALL;

/**
 * `apply` on each item, a list of tensors of one shape; it must be element-wise, and gives as many tensors of that
 * shape for every item. Returns the results of each item, in order.
 */
export function sideBySide(
  items: readonly (readonly tf.Tensor[])[],
  apply: (operands: readonly tf.Tensor[]) => readonly tf.Tensor[],
): (readonly tf.Tensor[])[] {
  const small = items.filter(isSmall);
  if (small.length < 2) return items.map(apply);
  const sizes = small.map(([first]) => first?.size ?? 0);
  // all items have as many operands
  const columns = (small[0] ?? []).map((_, i) => tf.concat1d(small.map((item) => (item[i] as tf.Tensor).as1D())));
  const parts = apply(columns).map((result) => tf.split(result, sizes));
  let next = 0;
  return items.map((item) => {
    if (!isSmall(item)) return apply(item);
    const at = next++;
    return parts.map((part) => (part[at] as tf.Tensor).reshape(item[0]?.shape ?? []));
  });
}
