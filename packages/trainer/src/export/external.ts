// Where an export's weights go: into the file, or into one beside it.
import { shown, UsageError } from '@forja/core';
import { externalizeModel, weightBytes, type ExternalModel, type Model } from '@forja/core/onnx';

/**
 * `'auto'`: outside where they are larger than 1 GiB. A number: larger than so many bytes. `true`, `false`: always,
 * never. An object also names the file, which is `model.onnx.data` else.
 */
export type ExternalDataOption = 'auto' | boolean | number | { above?: number; location?: string };

/** The option, worked out. */
export interface Placement {
  /** Weights of more bytes in all go outside. */
  above: number;
  location?: string;
}

/** Above this, files are unwieldy; at 2 GiB no ONNX file can hold them. */
const LARGE = 2 ** 30;

/** @throws UsageError for what is no such option. */
export function placement(option: ExternalDataOption = 'auto'): Placement {
  if (option === 'auto') return { above: LARGE };
  if (typeof option === 'boolean') return { above: option ? 0 : Infinity };
  const { above = LARGE, location } = typeof option === 'number' ? { above: option } : option;
  if (!(above >= 0))
    throw new UsageError(
      `exportOnnx.externalData: expected 'auto', true, false, a number of bytes ` +
        `or { above, location }, got ${shown(above)}`,
    );
  return { above, ...(location === undefined ? {} : { location }) };
}

/**
 * The model, with its weights outside where the option says so. What is told to stay inside and cannot is refused when
 * it is written.
 */
export function outside(model: Model, { above, location }: Placement): ExternalModel {
  if (weightBytes(model) <= above) return { model, external: new Map() };
  return externalizeModel(model, location === undefined ? {} : { location });
}
