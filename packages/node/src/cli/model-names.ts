// Parses `name=file` arguments.
import { basename, resolve } from 'node:path';
import { UsageError } from '@forja/core';
import { isModelName } from '../serve/names.js';

/** Files by name: the part before `=`, else the file's name. */
export function modelsOf(command: string, words: readonly string[], cwd: string): Record<string, string> {
  const models = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    const given = at > 0 && !/[\\/]/.test(word.slice(0, at)); // ./a=b.onnx is a path
    const name = given ? word.slice(0, at) : basename(word).replace(/\.onnx$/i, '');
    const path = given ? word.slice(at + 1) : word;
    if (!isModelName(name))
      throw new UsageError(
        `${command}: expected a name of letters, digits, '.', '_' and '-', got '${name}'; ` +
          `write name=${path} to choose another name`,
      );
    if (models.has(name))
      throw new UsageError(
        `${command}: expected each name once, got '${name}' twice; write name=${path} to rename one of them`,
      );
    if (path === '') throw new UsageError(`${command}: expected a file after '${name}=', got nothing`);
    models.set(name, resolve(cwd, path));
  }
  return Object.fromEntries(models);
}
