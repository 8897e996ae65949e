// The 8-bit picture head: maps values of a known range to 0..255. Uses only operators that GPU runtimes have, so Floor
// instead of Round.
import { UsageError, type ManifestOutput } from '@forja/core';
import { DATA_TYPE, type GraphBuilder, type Value } from '@forja/core/onnx';

/** The byte of x is ⌊x·scale + shift⌋. */
export interface Quantisation {
  scale: number;
  shift: number;
}

/** Maps `range` to 0..255, rounding to nearest; for [-1, 1] this is x·127.5 + 128. */
export function quantisation([low, high]: readonly [number, number]): Quantisation {
  const scale = 255 / (high - low);
  return { scale, shift: 0.5 - low * scale };
}

/** Floor(x·scale + shift), Clip to 0..255, Cast. */
export function uint8Head({ scale, shift }: Quantisation): (value: Value, builder: GraphBuilder) => Value {
  return (value, builder) => {
    const number = (n: number): Value => builder.constant('float32', [], [n]);
    const scaled = builder.op('Add', [builder.op('Mul', [value, number(scale)]), number(shift)]);
    return builder.op('Cast', [builder.op('Clip', [builder.op('Floor', [scaled]), number(0), number(255)])], {
      to: DATA_TYPE.uint8,
    });
  };
}

/**
 * The head of each picture output.
 * @throws UsageError if there is no picture, or one of unknown range.
 */
export function uint8Heads(outputs: readonly ManifestOutput[]): Record<string, Quantisation> {
  const pictures = outputs.filter(({ role }) => role === 'image');
  if (pictures.length === 0)
    throw new UsageError(
      "exportOnnx: expected an output with role 'image' for imageOutput uint8, got none; " +
        "set outputs: [{ role: 'image', range: [-1, 1] }]",
    );
  return Object.fromEntries(
    pictures.map(({ name, range, dtype }) => {
      if (range === undefined || !(range[1] > range[0]) || dtype !== 'float32')
        throw new UsageError(
          `exportOnnx: expected a range for picture '${name}' with imageOutput uint8, got none; ` +
            `set outputs: [{ range: [-1, 1] }]`,
        );
      return [name, quantisation(range)];
    }),
  );
}
