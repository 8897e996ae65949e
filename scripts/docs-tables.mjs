// Writes the tables of options in docs/*.md, between `<!-- options … -->` and `<!-- end -->`, from the schemas of
// the built trainer. `node scripts/docs-tables.mjs`; tests/package/docs.test.ts checks that they are up to date.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './lib/stage.mjs';

/**
 * The text with its tables replaced by `table(system)`; `run` means the fields of every run. `<` is escaped, as it
 * would begin a tag.
 */
export function withTables(text, table) {
  return text.replace(
    /<!-- options ([\w-]+) -->[^]*?<!-- end -->/g,
    (_, of) =>
      `<!-- options ${of} -->\n\n${table(of === 'run' ? undefined : of).replaceAll('<', '\\<')}\n\n<!-- end -->`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { optionTable } = await import(pathToFileURL(join(root, 'packages/trainer/dist/index.js')).href);
  for (const page of readdirSync(join(root, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md'))) {
    const path = join(root, 'docs', page);
    writeFileSync(path, withTables(readFileSync(path, 'utf8'), optionTable));
  }
}
