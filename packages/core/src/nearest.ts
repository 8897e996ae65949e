// The known name that a mistyped one was meant to be. Own code and not a library's, because every page loads it.

/** Letters to change, add or leave out to make one word of the other (Levenshtein). */
export function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const last = row;
    row = [i + 1];
    for (let j = 0; j < b.length; j++)
      // inside both rows
      row.push(Math.min(last[j + 1]! + 1, row[j]! + 1, last[j]! + (a[i] === b[j] ? 0 : 1)));
  }
  return row[b.length]!;
}

/** How many letters may differ in a word that is still near. */
export const nearBy = (word: string): number => Math.max(1, Math.ceil(word.length / 3));

/** `; did you mean 'x'?` for the known name that is nearest, where one is near enough; else ''. */
export function nearest(name: string, known: readonly string[]): string {
  const by = (other: string): number => edits(name.toLowerCase(), other.toLowerCase());
  const [best] = [...known].sort((a, b) => by(a) - by(b));
  return best !== undefined && by(best) <= nearBy(name) ? `; did you mean '${best}'?` : '';
}
