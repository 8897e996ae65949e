// The metrics at /metrics, made with prom-client in a separate registry. Labels are only known routes and models, never
// text from a request.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Generator } from '@forja/core';
import type { ServedModels } from './models.js';

/** One answered request. */
export interface Answered {
  route: string;
  model: string;
  status: number;
  seconds: number;
}

/** The metrics of a service. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'route' | 'model' | 'status'>;
  readonly #seconds: Histogram<'route' | 'model'>;
  readonly #images: Counter<'model'>;
  readonly #restarts: Counter;

  constructor(models: ServedModels, ofProcess: boolean) {
    const registers = [this.#registry];
    if (ofProcess) collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'forja_requests_total',
      help: 'Requests answered, by HTTP status; 499 is a client that disconnected',
      labelNames: ['route', 'model', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'forja_request_seconds',
      help: 'Seconds from a request to its answer',
      labelNames: ['route', 'model'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.#images = new Counter({
      name: 'forja_images_total',
      help: 'Pictures sent to clients',
      labelNames: ['model'],
      registers,
    });
    this.#restarts = new Counter({
      name: 'forja_executor_restarts_total',
      help: 'Executors that died, hung or lost their device and were replaced',
      registers,
    });
    const gauge = (name: string, help: string, of: (model: ServedModels['all'][number]) => number): void => {
      new Gauge({
        name,
        help,
        labelNames: ['model'],
        registers,
        collect() {
          for (const model of models.all) this.set({ model: model.name }, of(model));
        },
      });
    };
    const stats = (of: (stats: ReturnType<Generator['stats']>) => number) => (model: ServedModels['all'][number]) =>
      model.loaded ? of(model.loaded.stats()) : 0;
    gauge('forja_model_ready', 'Whether the model is loaded and warm', ({ ready }) => Number(ready));
    gauge('forja_requests_inside', 'Requests that wait or run', ({ inside }) => inside);
    gauge(
      'forja_model_bytes',
      'Bytes of the loaded model',
      stats(({ modelBytes }) => modelBytes),
    );
    gauge(
      'forja_runs',
      'Runs of the model since it was loaded; pictures per run show how well requests share runs',
      stats(({ runs }) => runs),
    );
    gauge(
      'forja_run_images',
      'Pictures drawn in those runs',
      stats(({ images }) => images),
    );
    gauge(
      'forja_run_seconds',
      'Seconds inside those runs',
      stats(({ runs, meanRunMs }) => (runs * meanRunMs) / 1000),
    );
  }

  answered({ route, model, status, seconds }: Answered): void {
    this.#requests.inc({ route, model, status: String(status) });
    this.#seconds.observe({ route, model }, seconds);
  }

  images(model: string, count: number): void {
    this.#images.inc({ model }, count);
  }

  restarted(): void {
    this.#restarts.inc();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
