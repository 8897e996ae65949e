// Finds consecutive blocks that differ only in the values of their weights, and folds them into one.
import type { Box, Diagram } from './boxes.js';

/** `times` blocks of `length` boxes each, from box `first` on. */
export interface Repeat {
  first: number;
  length: number;
  times: number;
}

/** A diagram with repeated blocks shown once. The positions in `repeats` refer to this diagram's boxes. */
export interface Folded extends Diagram {
  repeats: Repeat[];
}

/** Maximum number of boxes of a block. */
const MAX_BLOCK = 48;

/** Folds repeated blocks. */
export function fold(diagram: Diagram): Folded {
  const { boxes, sources } = diagram;
  const keys = boxes.map(({ alike }, i) => `${alike} ${(sources[i] ?? []).map((from) => i - from).join(' ')}`);
  const readers: number[][] = boxes.map(() => []);
  sources.forEach((list, i) => list.forEach((from) => readers[from]?.push(i)));
  const found: Repeat[] = [];
  for (let i = 0; i < boxes.length; i++) {
    const earliest = longestAt(i, keys, sources, readers);
    if (!earliest) continue;
    // A repetition can be cut into blocks at several positions; the best cut has the fewest lines between blocks.
    const cuts = Array.from({ length: earliest.length - 1 }, (_, k) => longestAt(i + k + 1, keys, sources, readers));
    const same = cuts.filter((cut) => cut?.length === earliest.length && cut.times === earliest.times);
    const best = [earliest, ...same.filter((cut) => cut !== undefined)].reduce((least, cut) =>
      entries(cut, sources) < entries(least, sources) ? cut : least,
    );
    found.push(best);
    i = best.first + best.length * best.times - 1;
  }
  return apply(diagram, found);
}

/** How many boxes of the first block the second reads from. */
function entries({ first, length }: Repeat, sources: readonly number[][]): number {
  const read = sources.slice(first + length, first + 2 * length).flat();
  return new Set(read.filter((from) => from < first + length)).size;
}

function longestAt(
  first: number,
  keys: readonly string[],
  sources: readonly number[][],
  readers: readonly number[][],
): Repeat | undefined {
  let best: Repeat | undefined;
  for (let length = 1; length <= MAX_BLOCK && first + 2 * length <= keys.length; length++) {
    let end = first + length;
    while (end < keys.length && keys[end] === keys[end - length]) end++;
    for (let times = Math.floor((end - first) / length); times > 1; times--) {
      const repeat = { first, length, times };
      if (length * (times - 1) < 2 || !isRepetition(repeat, sources, readers)) continue;
      if (!best || length * (times - 1) > best.length * (best.times - 1)) best = repeat;
      break;
    }
  }
  return best;
}

/** True if each block reads only from itself and the one before, and only the last is read from outside. */
function isRepetition(
  { first, length, times }: Repeat,
  sources: readonly number[][],
  readers: readonly number[][],
): boolean {
  const end = first + length * times;
  for (let at = first; at < end; at++) {
    if (at >= first + length && (sources[at] ?? []).some((from) => from < first)) return false;
    if (at < end - length && (readers[at] ?? []).some((reader) => reader >= end)) return false;
  }
  return true;
}

function apply({ boxes, sources }: Diagram, found: readonly Repeat[]): Folded {
  /** Position in the folded diagram of each box of the original. */
  const to = new Map<number, number>();
  const kept: number[] = [];
  const repeats: Repeat[] = [];
  for (let i = 0; i < boxes.length; i++) {
    const repeat = found.find(({ first }) => first === i);
    const length = repeat?.length ?? 1;
    if (repeat) repeats.push({ ...repeat, first: kept.length });
    for (let k = 0; k < length * (repeat?.times ?? 1); k++) to.set(i + k, kept.length + (k % length));
    for (let k = 0; k < length; k++) kept.push(i + k);
    i += length * (repeat?.times ?? 1) - 1;
  }
  const lastOf = new Map(
    found.flatMap(({ first, length, times }) =>
      Array.from({ length }, (_, k): [number, number] => [first + k, first + k + length * (times - 1)]),
    ),
  );
  return {
    repeats,
    boxes: kept.map((old): Box => {
      const box = boxes[old] as Box; // `kept` has only indices of boxes
      const last = lastOf.get(old);
      return last === undefined ? box : { ...box, title: `${box.title} … ${boxes[last]?.title ?? ''}` };
    }),
    sources: kept.map((old) => [...new Set((sources[old] ?? []).flatMap((from) => to.get(from) ?? []))]),
  };
}
