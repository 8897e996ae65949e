// Texts to token ids, by the vocabulary that a model carries: words in lower case, in rows of fixed length. What the
// model does not know is refused by name, with the words that were perhaps meant.
import { ModelFormatError, UsageError } from '../errors.js';
import type { ManifestInput } from '../manifest/manifest.js';

/** The words of a text in lower case: letters and digits, with apostrophes and hyphens inside. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu) ?? []
  );
}

/** Words that a message names, at most. */
const NAMED = 12;

/**
 * The token ids of a text for an input of role `text`, [length], padded with 0. Throws UsageError `input.range` for a
 * text without words, with one that is not in the vocabulary, or with more than fit.
 */
export function tokenIds({ name, shape, vocabulary }: ManifestInput, text: string): Int32Array {
  const length = shape[1];
  if (typeof length !== 'number' || shape.length !== 2 || !vocabulary)
    throw new ModelFormatError(
      'model.format',
      `manifest.inputs.${name}: expected [batch, length] and a vocabulary for a text, got [${shape.join(', ')}]${vocabulary ? '' : ' without'}; export the model again`,
    );
  const refuse = (wanted: string, got: string): never => {
    throw new UsageError(`sample.text: expected ${wanted}, got ${got}`, { code: 'input.range' });
  };
  const words = wordsOf(text);
  const known = vocabulary.slice(1);
  const unknown = [...new Set(words.filter((word) => !known.includes(word)))];
  if (words.length === 0 || unknown.length > 0) {
    const some = known.slice(0, NAMED).join(', ');
    const all = known.length > NAMED ? `${some}, … (${known.length} in all)` : some;
    refuse(`words that the model knows (${all})`, unknown.map((word) => meant(word, known)).join(', ') || `'${text}'`);
  }
  if (words.length > length) refuse(`at most ${length} words`, `${words.length}: '${text}'`);
  const row = new Int32Array(length);
  row.set(words.map((word) => vocabulary.indexOf(word, 1)));
  return row;
}

/** A word in quotes, with the known ones that are nearest, where there are near ones. */
function meant(word: string, known: readonly string[]): string {
  const near = known
    .map((other) => ({ other, by: edits(word, other) }))
    .filter(({ by }) => by <= Math.max(1, Math.ceil(word.length / 3)))
    .sort((a, b) => a.by - b.by)
    .slice(0, 3)
    .map(({ other }) => `'${other}'`);
  return `'${word}'${near.length > 0 ? ` (did you mean ${near.join(' or ')}?)` : ''}`;
}

/** Letters to change, add or leave out to make one word of the other (Levenshtein). */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1), // within both rows
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
