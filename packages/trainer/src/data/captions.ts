// Converts captions to token ids: words in lower case, numbered by frequency, in rows of fixed length. Also reads the
// two formats of caption files.
import { ForjaError, wordsOf } from '@forja/core';

/**
 * The `most` most frequent words of the texts, sorted by frequency, then alphabetically. Id 0 is padding, the word ''.
 */
export function vocabularyOf(texts: Iterable<string>, most: number): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return ['', ...sorted.slice(0, most).map(([word]) => word)];
}

/** Turns texts into token ids: unknown words are left out, the rest is cut or padded to `length`. */
export function tokenizer(vocabulary: readonly string[], length: number): (text: string) => Int32Array {
  const ids = new Map(vocabulary.map((word, id) => [word, id] as const));
  return (text) => {
    const known = wordsOf(text).flatMap((word) => ids.get(word) ?? []);
    const row = new Int32Array(length);
    row.set(known.slice(0, length));
    return row;
  };
}

/** The captions in a .txt file, which has one per line. */
export function captionLines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => wordsOf(line).length > 0);
}

/**
 * The rows of a JSONL file, each of the form `{ "file": …, "text": … }`; `file_name` and `caption` are accepted too.
 * Throws ForjaError `data.caption` naming an invalid line.
 */
export function captionRows(text: string, where: string): { file: string; text: string }[] {
  const rows: { file: string; text: string }[] = [];
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '') continue;
    const row = parsed(line);
    const [file, caption] = [row['file'] ?? row['file_name'], row['text'] ?? row['caption']];
    if (typeof file !== 'string' || typeof caption !== 'string')
      throw new ForjaError(
        'data.caption',
        `${where}, line ${i + 1}: expected { "file": "a.png", "text": "…" }, got ${line.slice(0, 80)}`,
      );
    rows.push({ file: file.replace(/^\.\//, ''), text: caption });
  }
  return rows;
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}; // any object
  } catch {
    return {};
  }
}
