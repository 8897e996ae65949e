// Two charts, drawn with uPlot, that follow a run: losses, and the discriminator's accuracy on real and generated
// examples, with a line at ½, the value at equilibrium (Goodfellow et al. 2014, section 4.1).
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { StepScalars } from './protocol.js';

/** Maximum points of a chart; beyond it, every second one is dropped. */
const MAX_POINTS = 2000;

const colours = ['#d9622b', '#3f7fbf', '#8a8178'];

/** A chart of some of the steps' scalars. */
export class Curves {
  readonly #chart: uPlot;
  readonly #names: readonly string[];
  readonly #half: boolean;
  #every = 1;
  #columns: number[][];

  constructor(at: HTMLElement, title: string, names: readonly string[], half = false) {
    this.#names = names;
    this.#half = half;
    const lines = half ? [...names, 'one half'] : names;
    this.#columns = [[], ...lines.map(() => [])];
    const axis = { stroke: '#8a8178', grid: { stroke: '#8a817833' }, ticks: { show: false } };
    this.#chart = new uPlot(
      {
        title,
        width: at.clientWidth || 384,
        height: 180,
        scales: { x: { time: false }, ...(half ? { y: { range: [0, 1] as [number, number] } } : {}) },
        axes: [axis, axis],
        series: [
          { label: 'step' },
          ...lines.map((label, i) => ({
            label,
            stroke: colours[i] ?? '#888',
            width: 1.5,
            points: { show: false },
            ...(label === 'one half' ? { dash: [4, 4] } : {}),
          })),
        ],
      },
      this.#columns as uPlot.AlignedData,
      at,
    );
  }

  /** Adds steps; a step that the chart has already passed begins a new run. */
  add(steps: readonly StepScalars[]): void {
    const xs = this.#columns[0] as number[]; // made with the chart
    if ((steps[0]?.step ?? Infinity) <= (xs.at(-1) ?? 0)) this.clear();
    for (const { step, scalars } of steps) {
      if (step % this.#every !== 0 && step > 1) continue;
      const values = [...this.#names.map((name) => scalars[name] ?? NaN), ...(this.#half ? [0.5] : [])];
      [step, ...values].forEach((value, i) => this.#columns[i]?.push(value));
    }
    if ((this.#columns[0]?.length ?? 0) > MAX_POINTS) {
      this.#columns = this.#columns.map((column) => column.filter((_, i) => i % 2 === 1));
      this.#every *= 2;
    }
    this.#chart.setData(this.#columns as uPlot.AlignedData);
  }

  clear(): void {
    this.#columns = this.#columns.map(() => []);
    this.#every = 1;
    this.#chart.setData(this.#columns as uPlot.AlignedData);
  }
}
