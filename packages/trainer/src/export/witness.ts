// Records what a verification has seen of each output. Equal results verify nothing if they are not numbers, or if they
// are the same at every draw.
import type { ConstantData } from '../program/program.js';
import type { ReplayTensor } from '../program/replay.js';

/** What has not been seen of an output. */
export type Unseen = 'numbers' | 'change';

interface Seen {
  finite: boolean;
  changed: boolean;
  /** Result of the first draw, by sizes. */
  first: Map<string, ConstantData>;
  /** For each axis and index along it: whether any value there was a number. Undefined for axes whose size varies. */
  places: (Uint8Array | undefined)[];
}

/** Collects tfjs's results of draws at which the file agreed. */
export class Witness {
  private readonly seen = new Map<string, Seen>();

  /** `fixed`: outputs that do not depend on inputs and cannot change. */
  constructor(private readonly fixed: readonly string[]) {}

  /** Records a result. `sizes` identifies the sizes it was computed at. */
  look(output: string, sizes: string, { data, shape }: ReplayTensor): void {
    const known = this.seen.get(output);
    const seen = known ?? {
      finite: false,
      changed: false,
      first: new Map<string, ConstantData>(),
      places: shape.map((size) => new Uint8Array(size)),
    };
    this.seen.set(output, seen);
    seen.places = shape.map((size, axis) => (seen.places[axis]?.length === size ? seen.places[axis] : undefined));
    const first = seen.first.get(sizes);
    if (first === undefined) seen.first.set(sizes, data);
    else
      seen.changed ||= data.some((value, i) => value !== first[i] && !(Number.isNaN(value) && Number.isNaN(first[i])));
    seen.finite ||= data.length === 0 || data.some(Number.isFinite);
    markNumbers(data, shape, seen.places);
  }

  /** What has not been seen of an output yet. */
  unseen(output: string): Unseen | undefined {
    const seen = this.seen.get(output);
    if (seen === undefined || !seen.finite || seen.places.some((places) => places?.includes(0) === true))
      return 'numbers';
    return seen.changed || this.fixed.includes(output) ? undefined : 'change';
  }
}

/** Marks, along each axis, the indices at which a value other than NaN occurs. */
function markNumbers(data: ConstantData, shape: readonly number[], places: Seen['places']): void {
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    const along = places[axis];
    if (along?.includes(0) === true) {
      for (let i = 0; i < data.length; i++) {
        const place = Math.floor(i / stride) % size;
        if (along[place] === 0 && !Number.isNaN(data[i])) along[place] = 1;
      }
    }
    stride *= size;
  }
}
