// The picture of a model's graph, as SVG or as a page around it.
import type { Graph, Model } from '@forja/core/onnx';
import { diagramOf } from './boxes.js';
import { pageOf } from './page.js';
import { fold } from './repeats.js';
import { svgOf } from './svg.js';

/** How a graph is drawn. */
export interface DrawOptions {
  title: string;
  /** Facts about the model, for the page: name and text. */
  facts: readonly (readonly [string, string])[];
  form: 'svg' | 'html';
  /** Draw repeated blocks once. */
  fold: boolean;
}

/** Draws the graph of a model; `boxes` is the number of boxes drawn. */
export async function drawGraph(
  model: Model,
  graph: Graph,
  { title, facts, form, fold: folds }: DrawOptions,
): Promise<{ text: string; boxes: number }> {
  const { diagram, lines } = diagramOf(model, graph);
  const folded = folds ? fold(diagram) : { ...diagram, repeats: [] };
  const svg = await svgOf(folded, title);
  return { text: form === 'svg' ? svg : pageOf(title, facts, svg, lines), boxes: folded.boxes.length };
}
