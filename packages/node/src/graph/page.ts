// A page with the picture, facts about the model above it, and a table of nodes below. No scripts, no requests.
import type { NodeLine } from './boxes.js';
import { xml } from './svg.js';

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 1.5rem; font: 15px/1.5 system-ui, sans-serif;
  background: light-dark(#fff, #101114); color: light-dark(#17181b, #ececee); }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: light-dark(#55585f, #a9acb3); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow: auto; border: 1px solid light-dark(#d5d7db, #33353b); border-radius: 8px; }
.scroll svg { display: block; margin: auto; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { text-align: left; padding: .15rem .8rem .15rem 0;
  border-bottom: 1px solid light-dark(#e4e5e8, #2a2c31); overflow-wrap: anywhere; }
td.n, th.n { text-align: right; }
`;

/** A page with `svg`, and with `facts`, which are pairs of name and text. */
export function pageOf(
  title: string,
  facts: readonly (readonly [string, string])[],
  svg: string,
  lines: readonly NodeLine[],
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${xml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${xml(title)}</h1>
<dl>
${facts.map(([name, text]) => `<dt>${xml(name)}</dt><dd>${xml(text)}</dd>`).join('\n')}
</dl>
<div class="scroll" tabindex="0" role="region" aria-label="Graph">
${svg}</div>
<details>
<summary>${lines.length} nodes</summary>
<table>
<thead><tr><th scope="col">Node</th><th scope="col">Operator</th><th scope="col">Shape</th>
<th scope="col" class="n">Parameters</th></tr></thead>
<tbody>
${lines.map(lineOf).join('\n')}
</tbody>
</table>
</details>
</body>
</html>
`;
}

const lineOf = ({ name, op, shape, parameters }: NodeLine): string =>
  `<tr><td>${xml(name)}</td><td>${xml(op)}</td><td>${xml(shape)}</td><td ` +
  `class="n">${parameters > 0 ? parameters.toLocaleString('en') : ''}</td></tr>`;
