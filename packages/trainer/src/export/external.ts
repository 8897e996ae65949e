// Where an export's weights go: into the model's file, or into a second one in the same folder.
import { shown, UsageError } from '@forja/core';
import { externalizeModel, weightBytes, type ExternalModel, type Model } from '@forja/core/onnx';

/**
 * When weights go into a separate file. `'auto'`: if they have more than 1 GiB. A number: if they have more bytes than
 * that. `true`, `false`: always, never. An object also names the file; default `model.onnx.data`.
 */
export type ExternalDataOption = 'auto' | boolean | number | { above?: number; location?: string };

/** The resolved option. */
export interface Placement {
  /** If the weights have more bytes than this in all, they go into a separate file. */
  above: number;
  location?: string;
}

/** Larger files are unwieldy, and weights of 2 GiB fit in no ONNX file. */
const LARGE = 2 ** 30;

/** Resolves the option, whose type options.ts has checked. @throws UsageError for a negative number. */
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
 * The model, with its weights in a separate file if `placement` says so. A model that is too large for one file is
 * refused when it is written.
 */
export function outside(model: Model, { above, location }: Placement): ExternalModel {
  if (weightBytes(model) <= above) return { model, external: new Map() };
  return externalizeModel(model, location === undefined ? {} : { location });
}
