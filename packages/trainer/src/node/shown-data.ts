// Data for a command: shows the progress of reading pictures, and says which files were left out.
import type { CliIo } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { skippedLine } from '../data/fields.js';
import { loadData, type DataRequest } from './load-data.js';

/** {@link loadData}, with a progress display and a warning about skipped files. */
export async function shownData(
  request: DataRequest,
  { cwd, progress, warn }: Pick<CliIo, 'cwd' | 'progress' | 'warn'>,
): Promise<Dataset> {
  let bar: ReturnType<CliIo['progress']> | undefined;
  const onProgress = (done: number, total: number): void => {
    bar ??= progress(total, 'reading pictures');
    bar.update(done, `${done} of ${total}`);
  };
  const dataset = await loadData(request, cwd, { onProgress }).finally(() => bar?.stop());
  const left = skippedLine(dataset);
  if (left !== undefined) warn(left);
  return dataset;
}
