// The texts in templates/ that commands write for users, with names filled in.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ForjaError } from '@forja/core';

/** The path of this package's templates/, whether this code runs from dist/ or from src/cli/. */
export function templates(): string {
  const places = ['../templates', '../../templates'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = places.find((path) => existsSync(path));
  if (found === undefined)
    throw new ForjaError('internal', `expected the package's templates in ${places[0]}, got nothing`);
  return found;
}

/** A template with `{{name}}` replaced by the value of that name. */
export async function filled(path: string, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(path, 'utf8');
  return text.replace(/\{\{(\w+)\}\}/g, (mark, name: string) => values[name] ?? mark);
}
