// The texts in templates/ that commands write for users, with names filled in.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ForjaError } from '@forja/core';

/** The path of this package's templates/, beside dist/ and src/. */
export function templates(): string {
  const path = fileURLToPath(new URL('../templates', import.meta.url));
  if (!existsSync(path)) throw new ForjaError('internal', `expected the package's templates in ${path}, got nothing`);
  return path;
}

/** A template with `{{name}}` replaced by the value of that name. */
export async function filled(path: string, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(path, 'utf8');
  return text.replace(/\{\{(\w+)\}\}/g, (mark, name: string) => values[name] ?? mark);
}
