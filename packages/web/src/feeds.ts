// Checks feeds against a session's inputs before they are posted, so that a mistake names the input and reaches only its own caller.
import { ARRAY_OF, sizeOf, UsageError } from '@forja/core';
import type { NamedTensors, Tensor, TensorSpec } from '@forja/core';

/** Throws `input.shape` for a missing, unknown or misshapen feed. Inputs in `state` are fed by the session itself. A dynamic dimension must agree everywhere it is named. */
export function checkFeeds(inputs: readonly TensorSpec[], feeds: NamedTensors, state: ReadonlySet<string>): void {
  const symbols = new Map<string, number>();
  const wanted = inputs.filter(({ name }) => !state.has(name ?? ''));
  for (const spec of wanted) {
    const feed = feeds[spec.name ?? ''];
    if (!feed) throw misfit(`run.${spec.name}: expected ${describe(spec)}, got nothing`);
    checkOne(spec, feed, symbols);
  }
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of Object.keys(feeds)) if (!names.has(name)) throw misfit(`run.${name}: expected only ${[...names].join(', ') || 'no feeds'}${state.has(name) ? '; it is state: use writeState' : ''}`);
}

function checkOne(spec: TensorSpec, feed: Tensor, symbols: Map<string, number>): void {
  const got = `got ${feed.dtype} [${feed.shape.join(', ')}]`;
  const fits = spec.shape.length === feed.shape.length && spec.shape.every((dim, i) => fitsDim(dim, feed.shape[i] ?? -1, symbols));
  if (!fits || (spec.dtype !== undefined && spec.dtype !== feed.dtype)) throw misfit(`run.${spec.name}: expected ${describe(spec)}, ${got}`);
  const array = ARRAY_OF[feed.dtype];
  const length = feed.data instanceof array ? feed.data.length : -1;
  if (length !== sizeOf(feed.shape)) throw misfit(`run.${spec.name}: expected ${array.name} of ${sizeOf(feed.shape)} elements, got ${feed.data.constructor.name} of ${feed.data.byteLength} bytes`);
}

function fitsDim(dim: number | string, size: number, symbols: Map<string, number>): boolean {
  if (typeof dim === 'number') return dim === size;
  if (!symbols.has(dim)) symbols.set(dim, size);
  return symbols.get(dim) === size;
}

function describe({ dtype, shape }: TensorSpec): string {
  return `${dtype ?? 'a tensor'} [${shape.join(', ')}]`;
}

function misfit(message: string): UsageError {
  return new UsageError(message, { code: 'input.shape' });
}
