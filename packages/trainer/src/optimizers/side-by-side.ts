// Applies element-wise arithmetic to many tensors, with small ones concatenated in one vector: a network has many
// biases and scales, and a kernel call on a few numbers costs as much as one on thousands.
import * as tf from '@tensorflow/tfjs';

/** Up to this many elements, copying a tensor into the vector and back costs less than its own kernel calls. */
const SMALL = 4096;

/** Only vectors and matrices are concatenated; filters keep the axis order that convolutions prefer. */
const isSmall = ([first]: readonly tf.Tensor[]): boolean =>
  first !== undefined && first.rank <= 2 && first.size <= SMALL;

/**
 * Applies `apply` to each item, a list of tensors of one shape. It must be element-wise and return the same number of
 * tensors of that shape for every item. Returns the results of each item, in order.
 */
export function sideBySide(
  items: readonly (readonly tf.Tensor[])[],
  apply: (operands: readonly tf.Tensor[]) => readonly tf.Tensor[],
): (readonly tf.Tensor[])[] {
  const small = items.filter(isSmall);
  if (small.length < 2) return items.map(apply);
  const sizes = small.map(([first]) => first?.size ?? 0);
  // All items have the same number of operands.
  const columns = (small[0] ?? []).map((_, i) => tf.concat1d(small.map((item) => (item[i] as tf.Tensor).as1D())));
  const parts = apply(columns).map((result) => tf.split(result, sizes));
  let next = 0;
  return items.map((item) => {
    if (!isSmall(item)) return apply(item);
    const at = next++;
    return parts.map((part) => (part[at] as tf.Tensor).reshape(item[0]?.shape ?? []));
  });
}
