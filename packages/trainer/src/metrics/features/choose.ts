// Which extractor measures use: the user's file, a built-in one by name, or one chosen by the data.
import { UsageError, nearest, type Runtime } from '@forja/core';
import type { Dataset } from '../../data/dataset.js';
import { values, type Extractor } from './extractor.js';
import { onnxExtractor, type ExtractorFile } from './onnx.js';
import { randomExtractor } from './random.js';
import { READY, readyExtractor, readyNames, type ReadyName } from './ready.js';

/** Names of extractors: `random` has random weights, `values` uses examples as they are. */
export const extractorNames: readonly string[] = ['random', 'values', ...readyNames];

/** How an extractor is chosen. */
export interface ExtractorChoice {
  /** A name in {@link extractorNames}, or a file; default: chosen by the data. */
  asked?: string | ExtractorFile | undefined;
  dataset: Pick<Dataset, 'name'>;
  /** Shape of one example. */
  shape: readonly number[];
  runtime: Runtime | undefined;
}

/**
 * The extractor; the caller disposes it. Vectors are their own features, the data sets of {@link READY} have a trained
 * extractor, other pictures use random features.
 * @throws UsageError for an unknown name, and for pictures without a runtime.
 */
export async function chooseExtractor({ asked, dataset, shape, runtime }: ExtractorChoice): Promise<Extractor> {
  const own = readyNames.find((name) => READY[name].data.includes(dataset.name));
  const chosen = asked ?? (shape.length !== 3 ? 'values' : (own ?? 'random'));
  if (chosen === 'values') return values;
  if (runtime === undefined)
    throw new UsageError('features: expected a runtime for an extractor of pictures, got none; pass host.runtime');
  if (typeof chosen !== 'string') return onnxExtractor(chosen, runtime);
  if (shape.length !== 3)
    throw new UsageError(`features: expected pictures for the extractor '${chosen}', got [${shape.join(', ')}]`, {
      code: 'config.invalid',
    });
  if (chosen === 'random') return onnxExtractor(randomExtractor(shape[2] ?? 1), runtime);
  if (!Object.hasOwn(READY, chosen))
    throw new UsageError(
      `features: expected an ONNX file or one of ${extractorNames.join(', ')}, got ` +
        `'${chosen}'${nearest(chosen, extractorNames)}`,
      { code: 'config.invalid' },
    );
  return onnxExtractor(await readyExtractor(chosen as ReadyName), runtime); // `chosen` is a key of READY
}
