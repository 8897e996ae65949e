// Deterministic synthetic inputs, for a trial run of a model.
import { UsageError } from '../errors.js';
import { listOf } from '../realm.js';
import { halfOf } from '../half.js';
import { philoxNormal, type StreamPosition } from '../latent/streams.js';
import { ARRAY_OF, sizeOf } from '../tensor.js';
import type { DType, NamedTensors, Tensor, TensorSpec } from '../tensor.js';

/** Values for dynamic sizes: the first axis is assumed to be the batch, others height and width. */
const OPEN_SIZES = { batch: 1, other: 64 };

/** Standard normals for float inputs, zeros for other types. Throws `input.shape` for an input without a shape. */
export function goldenFeeds(inputs: readonly TensorSpec[], seed = 0): NamedTensors {
  return Object.fromEntries(
    listOf('goldenFeeds.inputs', inputs).map(
      ({ name = '', dtype = 'float32', shape: dims, unranked }, stream): [string, Tensor] => {
        if (unranked)
          throw new UsageError(`run.${name}: expected a shape in the model, got none`, { code: 'input.shape' });
        const shape = dims.map((dim, axis) =>
          typeof dim === 'number' ? dim : axis === 0 ? OPEN_SIZES.batch : OPEN_SIZES.other,
        );
        const size = sizeOf(shape);
        return [
          name,
          {
            dtype,
            shape,
            data: dataOf(dtype, size, { seed, stream, step: 0 }),
          },
        ];
      },
    ),
  );
}

function dataOf(dtype: DType, size: number, position: StreamPosition): Tensor['data'] {
  if (dtype === 'float32') return philoxNormal(position, size);
  if (dtype === 'float16') return Uint16Array.from(philoxNormal(position, size), halfOf);
  return new ARRAY_OF[dtype](size);
}
