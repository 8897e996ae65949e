// Sizes of the pictures of a pair, and the depth of a U-Net for them.
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../../data/dataset.js';

/**
 * Size and channels of the pictures of a pair.
 * @throws UsageError `config.invalid` if they differ in size.
 */
export function sizesOf(
  fields: Readonly<Record<string, FieldSpec>>,
  from: string,
): { size: [number, number]; input: number; output: number } {
  const [height = 0, width = 0, input = 0] = fields['input']?.shape ?? [];
  const [h = 0, w = 0, output = 0] = fields['target']?.shape ?? [];
  if (height !== h || width !== w)
    throw new UsageError(
      `config.data: expected pictures of one size in pairs for the system 'pix2pix', got ${height} × ${width} ` +
        `and ${h} × ${w} from ${from}`,
      { code: 'config.invalid' },
    );
  return { size: [height, width], input, output };
}

/** How often both edges can be halved down to at least two pixels; 1 if never, which the U-Net refuses. */
export function depthFor(edges: readonly number[]): number {
  let depth = 0;
  while (depth < 8 && edges.every((edge) => edge % 2 ** (depth + 1) === 0 && edge / 2 ** (depth + 1) >= 2)) depth++;
  return Math.max(1, depth);
}
