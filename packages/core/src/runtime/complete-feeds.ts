// Fills in what a caller omits in feeds, from the session's inputs. Loaded only by pages that call `run`.
import { isDetached, optionsOf } from '../realm.js';
import { shapeError } from '../shape-error.js';
import { shown } from '../shown.js';
import { sizeOf } from '../tensor.js';
import type { NamedTensors, Tensor, TensorSpec } from '../tensor.js';
import { detached, type Feed } from './feeds.js';

/**
 * Adds omitted types and shapes to feeds, from the session's inputs. Does not check them: see {@link checkFeeds}.
 * Throws `input.shape` if a shape is ambiguous.
 */
export function completeFeeds(inputs: readonly TensorSpec[], feeds: Readonly<Record<string, Feed>>): NamedTensors {
  return Object.fromEntries(
    Object.entries(optionsOf('run', feeds)).map(([name, feed]): [string, Tensor] => {
      const spec = inputs.find((input) => input.name === name);
      if (typeof feed !== 'object' || feed === null)
        throw shapeError(`run.${name}: expected a tensor or a typed array, got ${shown(feed)}`);
      if (ArrayBuffer.isView(feed) && isDetached(feed)) throw detached(`run.${name}`);
      if (ArrayBuffer.isView(feed))
        return [
          name,
          { dtype: spec?.dtype ?? 'float32', shape: shapeFor(name, spec ?? { shape: [] }, feed.length), data: feed },
        ];
      if (!Array.isArray(feed.shape) || !ArrayBuffer.isView(feed.data))
        throw shapeError(`run.${name}: expected { shape, data } with data in a typed array`);
      return [
        name,
        {
          dtype: 'dtype' in feed ? feed.dtype : (spec?.dtype ?? 'float32'),
          shape: [...(feed.shape as readonly number[])],
          data: feed.data,
        },
      ];
    }),
  );
}

/** The input's shape, with its dynamic size, if any, computed from the number of elements. */
function shapeFor(name: string, { shape, unranked }: TensorSpec, length: number): number[] {
  if (unranked)
    throw shapeError(`run.${name}: expected { shape, data }, because the model gives no shape, got ${length} numbers`);
  const known = sizeOf(shape.filter((dim) => typeof dim === 'number'));
  const dynamic = shape.filter((dim) => typeof dim === 'string');
  if (dynamic.length > 1)
    throw shapeError(
      `run.${name}: expected { shape, data }, because [${shape.join(', ')}] has several dynamic sizes, got ` +
        `${length} numbers`,
    );
  return shape.map((dim) => (typeof dim === 'number' ? dim : length / known));
}
