// The examples of one class as a data set, to measure each class separately.
import { UsageError } from '@forja/core';
import type { Dataset } from './dataset.js';

/**
 * One data set per class of the field `label`, in the order of the classes and named after them. Each has the class's
 * training examples and, as its holdout, the class's examples in the data's holdout. Labels are read once.
 * @throws UsageError `config.invalid` for data without a label.
 */
export async function byClass(dataset: Dataset, label = 'label'): Promise<{ name: string; dataset: Dataset }[]> {
  const spec = dataset.fields[label];
  if (spec === undefined || spec.shape.length > 0)
    throw new UsageError(`data.${label}: expected a class of each example, got none in ${dataset.name}`, {
      code: 'config.invalid',
    });
  const [own, held] = await Promise.all([
    labelsOf(dataset, label),
    dataset.holdout && labelsOf(dataset.holdout, label),
  ]);
  const names = spec.classes ?? Array.from(new Set(own), String).sort((a, b) => Number(a) - Number(b));
  return names.map((name, k) => {
    const number = spec.classes === undefined ? Number(name) : k;
    const { holdout } = dataset;
    return {
      name,
      dataset: {
        ...only(dataset, own, number, name),
        ...(holdout && held ? { holdout: only(holdout, held, number, name) } : {}),
      },
    };
  });
}

async function labelsOf(dataset: Dataset, label: string): Promise<Int32Array> {
  const labels = new Int32Array(dataset.count);
  await dataset.read(Uint32Array.from(labels.keys()), { [label]: labels });
  return labels;
}

function only(dataset: Dataset, labels: Int32Array, number: number, name: string): Dataset {
  const places = Uint32Array.from(labels.keys()).filter((i) => labels[i] === number);
  const { holdout: _, ...rest } = dataset;
  return {
    ...rest,
    name: `${dataset.name}, ${name}`,
    count: places.length,
    read: (indices, into) =>
      dataset.read(
        Uint32Array.from(indices, (i) => places[i] as number), // i < count
        into,
      ),
  };
}
