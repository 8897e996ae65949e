// Attributes of tfjs's kernels that may depend on a dynamic dim: sizes and amounts that ONNX takes as inputs. All
// others must be fixed numbers.
import { isMeasure, sizeText } from '../program/size.js';
import { isSymbolic } from '../program/sizes.js';
import type { AttrName } from '../kernels/attributes.js';
import type { KernelName } from '../kernels/names.js';
import { rowOf } from '../kernels/rows.js';
import type { KernelCall } from '../program/program.js';

const DYNAMIC: { readonly [K in KernelName]?: readonly AttrName<K>[] } = {
  AvgPool: ['filterSize', 'strides'],
  BatchToSpaceND: ['crops'],
  BroadcastTo: ['shape'],
  Conv2DBackpropInput: ['inputShape'],
  Conv3DBackpropInputV2: ['inputShape'],
  CropAndResize: ['cropSize'],
  DepthwiseConv2dNativeBackpropInput: ['inputShape'],
  Fill: ['shape', 'value'],
  LinSpace: ['start', 'stop', 'num'],
  MaxPool: ['filterSize', 'strides'],
  MirrorPad: ['paddings'],
  OneHot: ['depth'],
  PadV2: ['paddings'],
  Range: ['start', 'stop', 'step'],
  Reshape: ['shape'],
  ResizeBilinear: ['size'],
  ResizeNearestNeighbor: ['size'],
  ScatterNd: ['shape'],
  Slice: ['begin', 'size'],
  SpaceToBatchND: ['paddings'],
  SparseToDense: ['outputShape'],
  SplitV: ['numOrSizeSplits'],
  StridedSlice: ['begin', 'end'],
  Tile: ['reps'],
  TopK: ['k'],
};

/** Describes the first attribute of a call that depends on a dynamic dim but may not. */
export function dynamicAttribute({ kernel, attrs }: KernelCall): string | undefined {
  const allowed = rowOf<readonly string[]>(DYNAMIC, kernel) ?? [];
  for (const [name, value] of Object.entries(attrs)) {
    const text = allowed.includes(name) ? undefined : symbolic(value);
    if (text !== undefined) return `${name}, which is ${text}`;
  }
  return undefined;
}

function symbolic(value: unknown): string | undefined {
  if (isSymbolic(value)) return sizeText(value);
  if (isMeasure(value)) return `computed from ${sizeText(value.above)} and ${sizeText(value.below)}`;
  return Array.isArray(value) ? value.map(symbolic).find((text) => text !== undefined) : undefined;
}
