// Suggests the known name nearest to a mistyped one. Not from a library, to keep pages small: pages that sample from
// texts load it.

/** Number of letters to change, add or remove to turn one word into the other (Levenshtein distance). */
export function edits(a: string, b: string): number {
  let row = [...Array(b.length + 1).keys()];
  for (const letter of a) {
    const next = [row[0]! + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + Number(letter !== b[j]))); // indices in range
    row = next;
  }
  return row.pop()!;
}

/** Whether a word that is `by` edits away from a known one may be a mistyped form of it. */
export const isNear = (word: string, by: number): boolean => 3 * by < word.length + 3;

/** `; did you mean 'x'?` with the nearest known name; '' if none is near enough. */
export function nearest(name: string, known: readonly string[]): string {
  const by = (other: string): number => edits(name.toLowerCase(), other.toLowerCase());
  const [best] = known.filter((other) => isNear(name, by(other))).sort((a, b) => by(a) - by(b));
  return best === undefined ? '' : `; did you mean '${best}'?`;
}
