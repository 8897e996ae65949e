// Converts texts to token ids of the model's vocabulary: words in lower case, in rows of fixed length. The error for
// unknown words names them, with suggestions.
import { ModelFormatError, UsageError } from '../errors.js';
import type { ManifestInput } from '../manifest/manifest.js';
import { edits, isNear } from '../nearest.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { Tensor } from '../tensor.js';

/**
 * The words of a text in lower case: letters and digits, with apostrophes and hyphens inside. Throws UsageError if
 * `text` is not a string.
 */
export function wordsOf(text: string): string[] {
  if (typeof text !== 'string') throw new UsageError(`wordsOf: expected a text, got ${shown(text)}`);
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu) ?? []
  );
}

/** Maximum number of words in a message. */
const MAX_NAMED = 12;

/**
 * The token ids of texts for an input of role `text`, [texts, length], padded with 0. Throws UsageError `input.range`
 * for a text without words, with an unknown word, or with too many.
 */
export function textTensor(input: ManifestInput, texts: readonly unknown[], where = 'sample.text'): Tensor {
  const { name, dtype, shape, vocabulary } = optionsOf(`${where}: the input`, input);
  const length = shape[1];
  if (typeof length !== 'number' || shape.length !== 2 || !(dtype === 'int32' || dtype === 'int64') || !vocabulary)
    throw new ModelFormatError(
      'model.format',
      `manifest.inputs.${name}: expected int32 or int64 [batch, length] and a vocabulary for a text, ` +
        `got ${dtype} [${shape.join(', ')}]${vocabulary ? '' : ' without a vocabulary'}; export the model again`,
    );
  if (!Array.isArray(texts)) throw new UsageError(`${where}: expected a list of texts, got ${shown(texts)}`);
  if (texts.length === 0) throw new UsageError(`${where}: expected at least one text, got an empty list`);
  const rows = texts.flatMap((text) => tokenIds(vocabulary, length, text, where));
  return {
    dtype,
    shape: [texts.length, length],
    data: dtype === 'int64' ? BigInt64Array.from(rows, BigInt) : Int32Array.from(rows),
  };
}

function tokenIds(vocabulary: readonly string[], length: number, text: unknown, where: string): number[] {
  const refuse = (wanted: string, got: string): never => {
    throw new UsageError(`${where}: expected ${wanted}, got ${got}`, { code: 'input.range' });
  };
  if (typeof text !== 'string')
    throw new UsageError(`${where}: expected a text, which the model requires, got ${shown(text)}`);
  const ids = new Map(vocabulary.map((word, id) => [word, id]));
  const words = wordsOf(text);
  const known = vocabulary.slice(1);
  const unknown = [...new Set(words.filter((word) => !ids.has(word)))];
  if (words.length === 0 || unknown.length > 0) {
    const some = known.slice(0, MAX_NAMED).join(', ');
    const all = known.length > MAX_NAMED ? `${some}, … (${known.length} in all)` : some;
    refuse(
      `words that the model knows (${all})`,
      unknown.map((word) => suggested(word, known)).join(', ') || `'${text}'`,
    );
  }
  if (words.length > length) refuse(`at most ${length} words`, `${words.length}: '${text}'`);
  return Array.from({ length }, (_, i) => ids.get(words[i] ?? '') ?? 0);
}

/** A word in quotes, with similar known words if any. */
function suggested(word: string, known: readonly string[]): string {
  const near = known
    .map((other) => ({ other, by: edits(word, other) }))
    .filter(({ by }) => isNear(word, by))
    .sort((a, b) => a.by - b.by)
    .slice(0, 3)
    .map(({ other }) => `'${other}'`);
  return `'${word}'${near.length > 0 ? ` (did you mean ${near.join(' or ')}?)` : ''}`;
}
