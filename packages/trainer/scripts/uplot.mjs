// Writes src/report/uplot.ts: uPlot's script and style as strings, which the HTML report inlines. Run after a new
// version: node packages/trainer/scripts/uplot.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The module's text for the installed uPlot. */
export function uplotModule() {
  const folder = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const text = (file) => JSON.stringify(readFileSync(join(folder, 'dist', file), 'utf8').trim());
  return `// uPlot ${version} (MIT, https://github.com/leeoniya/uPlot), script and style, to be inlined in HTML. Made by
// scripts/uplot.mjs: do not edit.

/** The script; it defines the global \`uPlot\`. */
export const uplotScript: string = ${text('uPlot.iife.min.js')};

/** The style sheet. */
export const uplotStyle: string = ${text('uPlot.min.css')};
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(new URL('../src/report/uplot.ts', import.meta.url), uplotModule());
