// What a verification has seen of each output. Equal numbers show nothing where there are no numbers, or always the
// same ones.
import type { ConstantData } from '../program/program.js';
import type { ReplayTensor } from '../program/replay.js';

/** What has not been seen yet. */
export type Unseen = 'numbers' | 'change';

interface Seen {
  finite: boolean;
  changed: boolean;
  /** Of the first draw, by sizes. */
  first: Map<string, ConstantData>;
  /** For every axis of one size, and every place along it: whether a number stood there. Open axes are left out. */
  places: (Uint8Array | undefined)[];
}

/** Looks at tfjs's results of the draws at which the file agreed. */
export class Witness {
  private readonly seen = new Map<string, Seen>();

  /** `fixed`: outputs that no input reaches, which cannot change. */
  constructor(private readonly fixed: readonly string[]) {}

  /** Takes a result in. `sizes` names the sizes it was computed at. */
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

  /** What is missing of an output. */
  unseen(output: string): Unseen | undefined {
    const seen = this.seen.get(output);
    if (seen === undefined || !seen.finite || seen.places.some((places) => places?.includes(0) === true))
      return 'numbers';
    return seen.changed || this.fixed.includes(output) ? undefined : 'change';
  }
}

/** Notes along each axis at which places something else than NaN stands. */
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
