// The known name that a mistyped one was meant to be. Own code and not a library's: pages load it to draw texts.

/** Letters to change, add or leave out to make one word of the other (Levenshtein). */
export function edits(a: string, b: string): number {
  let row = [...Array(b.length + 1).keys()];
  for (const letter of a) {
    const next = [row[0]! + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + Number(letter !== b[j]))); // inside the rows
    row = next;
  }
  return row.pop()!;
}

/** Whether a word that is so many edits from another is near it. */
export const isNear = (word: string, by: number): boolean => 3 * by < word.length + 3;

/** `; did you mean 'x'?` for the known name that is nearest, where one is near enough; else ''. */
export function nearest(name: string, known: readonly string[]): string {
  const by = (other: string): number => edits(name.toLowerCase(), other.toLowerCase());
  const [best] = known.filter((other) => isNear(name, by(other))).sort((a, b) => by(a) - by(b));
  return best === undefined ? '' : `; did you mean '${best}'?`;
}
