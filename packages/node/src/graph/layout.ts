// Positions of boxes and lines, computed with dagre (layers from top to bottom). Text sizes are estimates for a
// monospaced font, so that a picture is the same on every machine.
import type { Box } from './boxes.js';
import type { Folded } from './repeats.js';

/** A rectangle: its upper left corner and its size, in pixels. */
export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A point, in pixels. */
export interface Point {
  x: number;
  y: number;
}

/** Positions of everything. */
export interface Layout {
  width: number;
  height: number;
  /** By index of the box. */
  places: Place[];
  lines: { from: number; to: number; points: Point[] }[];
  /** Frames of repeated blocks, in the order of `repeats`. */
  frames: Place[];
}

/** Sizes of a box's parts, in pixels. */
export const METRICS = { title: 13, row: 12, line: 17, pad: 9, advance: 0.605 } as const;

/** Maximum length of a text, in characters. */
const MAX_TEXT = 64;
const MARGIN = 16;

/** A text of at most {@link MAX_TEXT} characters, shortened in its middle. */
export function short(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const half = Math.floor((MAX_TEXT - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(text.length - half)}`;
}

/** Texts of a box from top to bottom. */
export function linesOf(box: Box): { title: string; rows: string[]; foot: string } {
  const { parameters, shared } = box;
  const counted = parameters > 0 ? `${parameters.toLocaleString('en')} parameter${parameters === 1 ? '' : 's'}` : '';
  const weights = shared.length > 0 ? `weights of ${shared.join(', ')}` : '';
  return {
    title: short(box.title),
    rows: box.rows.map(({ text, layer }) => short(layer === undefined ? text : `${text} · ${layer}`)),
    foot: short([box.shape, counted, weights].filter((text) => text !== '').join(' · ')),
  };
}

/** Computes the layout of a diagram. */
export async function layout({ boxes, sources, repeats }: Folded): Promise<Layout> {
  const { Graph, layout: place } = await import('@dagrejs/dagre');
  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 26, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  boxes.forEach((box, i) => graph.setNode(String(i), sizeOf(box)));
  repeats.forEach(({ first, length }, i) => {
    graph.setNode(`repeat ${i}`, {});
    for (let k = first; k < first + length; k++) graph.setParent(String(k), `repeat ${i}`);
  });
  sources.forEach((list, to) => list.forEach((from) => graph.setEdge(String(from), String(to))));
  place(graph);
  const at = (name: string): Place => {
    // dagre sets centres and sizes
    const { x, y, width, height } = graph.node(name) as Place;
    return { x: x - width / 2, y: y - height / 2, width, height };
  };
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    places: boxes.map((_, i) => at(String(i))),
    lines: graph.edges().map((edge) => {
      const { points = [] } = graph.edge(edge) as { points?: Point[] };
      return { from: Number(edge.v), to: Number(edge.w), points };
    }),
    frames: repeats.map((_, i) => at(`repeat ${i}`)),
  };
}

function sizeOf(box: Box): { width: number; height: number } {
  const { title, rows, foot } = linesOf(box);
  const { advance, line, pad } = METRICS;
  const widest = Math.max(
    title.length * METRICS.title * advance,
    ...[...rows, foot].map((text) => text.length * METRICS.row * advance),
  );
  const count = 1 + rows.length + (foot === '' ? 0 : 1);
  return { width: Math.ceil(widest + 2 * pad), height: count * line + 2 * pad };
}
