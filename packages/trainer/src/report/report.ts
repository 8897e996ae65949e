// The report of a run: one self-contained HTML file with losses (uPlot inlined), sample grids over time, device and
// versions, and pairs of nearest neighbours. The live page of a running training is the same page with one more script.
import { escapeHtml, inScript, jsonInScript } from './html.js';
import { gridHtml, partsOf, type PartName, type ReportData } from './parts.js';
import { liveScript, reportScript } from './script.js';

/** A page and its inline scripts and styles, for a content security policy that allows nothing else. */
export interface InlinePage {
  readonly html: string;
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
}

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222;
  background: #fff }
h2 { margin-top: 2rem; font-size: 1.15rem }
img { image-rendering: pixelated }
figure { display: inline-block; margin: 0 .8rem .8rem 0; vertical-align: top }
figcaption { font-size: .8rem; color: #666 }
table { border-collapse: collapse; font-size: .9rem }
td { padding: .15rem 1rem .15rem 0; vertical-align: top; overflow-wrap: anywhere }
.pair img { width: 56px; margin-right: 2px }
.grid { width: 252px }
.walk { width: 168px }
#current { width: 378px }
#current:not([src]) { display: none }
pre { background: #f5f5f5; padding: .8rem; overflow: auto; font-size: .8rem }
.u-legend { font-size: .8rem }
.best { font-weight: 600; color: #1e8449 }
details:has(> [data-part]:empty) { display: none }
#status { position: sticky; top: 0; z-index: 200; margin: 0 -.5rem; padding: .3rem .5rem; background: #eaf2f8 }
#status[data-state="finished"] { background: #e9f7ef }
#status[data-state="failed"], #status[data-state="lost"] { background: #fdedec }
`;

/** The report as one HTML document with scripts, styles and pictures inside; it makes no requests. */
export async function reportHtml(data: ReportData): Promise<string> {
  return (await pageOf(data)).html;
}

/** The live page of a running training: the report, updated by messages from the server's `events`. */
export async function livePage(data: ReportData, status: string): Promise<InlinePage> {
  return pageOf(data, status);
}

async function pageOf(data: ReportData, status?: string): Promise<InlinePage> {
  const { uplotScript, uplotStyle } = await import('./uplot.js');
  const { html, plots } = await partsOf(data);
  const { samples } = data;
  const title = escapeHtml(data.title);
  const part = (name: PartName, tag = 'div'): string => `<${tag} data-part="${name}">${html[name]}</${tag}>`;
  const style = `${uplotStyle}${STYLE}`;
  const scripts = [uplotScript, reportScript, ...(status === undefined ? [] : [liveScript])].map(inScript);
  const last = Math.max(0, samples.length - 1);
  return {
    scripts,
    styles: [style],
    html: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,">
<style>${style}</style></head><body>
${status === undefined ? '' : `<p id="status" role="status">${escapeHtml(status)}</p>`}
<h1>${title}</h1>
${part('facts')}
${part('diagnosis')}
<div id="charts"></div>
${part('measures')}
<div id="scores"></div>
<details><summary>All numbers</summary>${part('numbers')}</details>
<h2>Samples over time</h2><p>Every grid has the same latents, and is made by the averaged generator.</p>
<p><input id="at" type="range" min="0" max="${last}" value="${last}" aria-label="step"> <output id="label"></output></p>
<img id="current" alt="samples at the chosen step">
<details><summary>All grids</summary><div id="grids">${samples.map(gridHtml).join('')}</div></details>
${part('walk')}
${part('nearest')}
<h2>What ran it</h2>${part('sessions')}
<h2>Configuration</h2>${part('config', 'pre')}
<script type="application/json" id="plots">${jsonInScript(plots)}</script>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body></html>
`,
  };
}
