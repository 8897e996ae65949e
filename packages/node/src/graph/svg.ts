// A diagram as SVG, without scripts, fonts or requests; with dark colours if the viewer's settings prefer them.
import type { Box } from './boxes.js';
import { layout, linesOf, METRICS, type Place, type Point } from './layout.js';
import type { Folded } from './repeats.js';

/** Fill of each kind of box: light, dark. */
const FILLS: Readonly<Record<Box['kind'], readonly [string, string]>> = {
  convolution: ['#d7e6fb', '#1d3a5f'],
  dense: ['#fbe3cf', '#5a3a1d'],
  control: ['#f3d6ef', '#56264e'],
  norm: ['#dff1d8', '#27482a'],
  pool: ['#d3f0ee', '#1c4a4a'],
  activation: ['#f8f0c8', '#4d4618'],
  move: ['#e8e8ea', '#38383e'],
  other: ['#efe6fa', '#3d2f56'],
  port: ['#ffffff', '#17181b'],
};

const fills = (mode: 0 | 1): string =>
  Object.entries(FILLS)
    .map(([kind, fill]) => `.${kind}{fill:${fill[mode]}}`)
    .join('');

const STYLE = [
  'text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#17181b}',
  `.title{font-size:${METRICS.title}px;font-weight:600}.row,.foot{font-size:${METRICS.row}px}.foot{fill:#55585f}`,
  '.ground{fill:#ffffff}.box{stroke:#8a8d94}.line{fill:none;stroke:#8a8d94;stroke-width:1.2}.head{fill:#8a8d94}',
  '.frame{fill:none;stroke:#8a8d94;stroke-dasharray:5 4}',
  fills(0),
  '@media(prefers-color-scheme:dark){text{fill:#ececee}.foot{fill:#a9acb3}.ground{fill:#101114}',
  `${fills(1)}}`,
].join('');

/** Escapes text for XML; replaces control characters and lone surrogates, which XML cannot contain. */
export function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[\u007f-\u009f]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** The picture as an SVG document. `title` is for screen readers. */
export async function svgOf(folded: Folded, title: string): Promise<string> {
  const { width, height, places, lines, frames } = await layout(folded);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ` +
      `${width} ${height}" role="img" aria-label="${xml(title)}">`,
    `<title>${xml(title)}</title><style>${STYLE}</style>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" ' +
      'orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...folded.repeats.map(({ times }, i) => frameOf(frames[i], times)),
    ...lines.map(({ points }) => `<path class="line" marker-end="url(#arrow)" d="${pathOf(points)}"/>`),
    ...folded.boxes.map((box, i) => boxOf(box, places[i])),
    '</svg>',
    '',
  ].join('\n');
}

const px = (value: number): string => String(Math.round(value * 10) / 10);

/** An SVG path through the middles of the segments, so that corners are round. */
function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points.map(({ x, y }) => `${px(x)} ${px(y)}`);
  const bends = rest.slice(0, -1).map((corner, i) => {
    const [here, next] = [points[i + 1], points[i + 2]];
    return here && next ? `Q${corner} ${px((here.x + next.x) / 2)} ${px((here.y + next.y) / 2)}` : '';
  });
  return `M${first ?? ''}${bends.join('')}L${rest.at(-1) ?? first ?? ''}`;
}

function frameOf(place: Place | undefined, times: number): string {
  if (!place) return '';
  const { x, y, width, height } = place;
  return (
    `<g><rect class="frame" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" ` +
    `rx="10"/><text class="title" x="${px(x + width - 8)}" y="${px(y + 16)}" text-anchor="end">× ` +
    `${times}</text></g>`
  );
}

function boxOf(box: Box, place: Place | undefined): string {
  if (!place) return '';
  const { x, y, width, height } = place;
  const { title, rows, foot } = linesOf(box);
  const texts: (readonly ['title' | 'row' | 'foot', string, string])[] = [
    ['title', title, ''],
    ...rows.map((text, i) => ['row', text, box.rows[i]?.details ?? ''] as const),
    ...(foot === '' ? [] : [['foot', foot, ''] as const]),
  ];
  const written = texts.map(([kind, text, details], i) => {
    const at = y + METRICS.pad + (i + 0.75) * METRICS.line;
    const tip = details === '' ? '' : `<title>${xml(details)}</title>`;
    return `<text class="${kind}" x="${px(x + METRICS.pad)}" y="${px(at)}">${xml(text)}${tip}</text>`;
  });
  return (
    `<g><title>${xml(box.title)}</title><rect class="box ${box.kind}" x="${px(x)}" y="${px(y)}" ` +
    `width="${px(width)}" height="${px(height)}" ` +
    `rx="${box.kind === 'port' ? px(Math.min(height, 40) / 2) : '6'}"/>${written.join('')}</g>`
  );
}
