// The known name that a mistyped one was meant to be. Own code and not a library's, because every page loads it.

/** Letters to change, add or leave out to make one word of the other (Levenshtein). */
export function edits(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    let before = i;
    row[0] = i + 1;
    for (let j = 1; j <= b.length; j++) {
      const best = Math.min(row[j]! + 1, row[j - 1]! + 1, before + Number(a[i] !== b[j - 1])); // inside the row
      before = row[j]!;
      row[j] = best;
    }
  }
  return row[b.length]!;
}

/** Whether a word that is so many edits from another is near it. */
export const isNear = (word: string, by: number): boolean => 3 * by < word.length + 3;

/** `; did you mean 'x'?` for the known name that is nearest, where one is near enough; else ''. */
export function nearest(name: string, known: readonly string[]): string {
  const by = (other: string): number => edits(name.toLowerCase(), other.toLowerCase());
  const [best] = known.filter((other) => isNear(name, by(other))).sort((a, b) => by(a) - by(b));
  return best === undefined ? '' : `; did you mean '${best}'?`;
}
