// Watches tf.layers layers as they are applied: their names, so that a kernel call knows its layer, and the tensors
// that they keep between calls, which are restored after a trace.
import * as tf from '@tensorflow/tfjs';
import { override } from '../tfjs/engine.js';

/** A layer's field that holds other tensors after a call than before it. */
export interface KeptField {
  layer: string;
  field: string;
  /** The tensors that it held before. */
  before: tf.Tensor[];
}

/** A watch over layers. */
export interface LayerWatch {
  /** Whether a layer held the tensor in a field when it was first applied. */
  holds: (tensor: tf.Tensor) => boolean;
  /** The fields changed so far. */
  kept: () => KeptField[];
  /** Stops watching and restores every field. */
  end: () => void;
}

/** The values of a layer's fields; for a list, also its items. */
type Fields = Map<string, { value: unknown; items?: unknown[] }>;

/**
 * Fields in which tfjs's recurrent cells keep dropout masks. tf.layers.lstm and similar layers renew them at each call;
 * tf.layers.rnn does not, and would reuse those of an earlier call.
 */
const MASKS = ['dropoutMask', 'recurrentDropoutMask'] as const;

/** Watches every layer's `apply`; `stack` holds the names of the layers being applied, innermost last. */
export function watchLayers(stack: string[]): LayerWatch {
  const known = new Map<tf.layers.Layer, Fields>();
  const undo = override(
    tf.layers.Layer.prototype,
    'apply',
    (apply) =>
      function (this: tf.layers.Layer, ...args) {
        remember(this, known);
        stack.push(this.name);
        try {
          return apply.apply(this, args);
        } finally {
          stack.pop();
        }
      },
  );
  return {
    holds: (tensor) =>
      [...known.values()].some((fields) =>
        [...fields.values()].some(({ value, items }) => (items ?? [value]).flat().includes(tensor)),
      ),
    kept: () => [...known].flatMap(([layer, fields]) => changes(layer, fields)),
    end: () => {
      undo();
      for (const [layer, fields] of known) putBack(layer, fields);
    },
  };
}

/**
 * Records a layer's fields, and those of the layers that it holds, because `apply` is not called on cells and wrapped
 * layers.
 */
function remember(layer: tf.layers.Layer, known: Map<tf.layers.Layer, Fields>): void {
  if (known.has(layer)) return;
  const fields: Fields = new Map();
  known.set(layer, fields);
  for (const [field, value] of Object.entries(layer)) {
    fields.set(field, Array.isArray(value) ? { value, items: [...(value as unknown[])] } : { value });
    for (const inner of [value].flat()) if (inner instanceof tf.layers.Layer) remember(inner, known);
  }
  const own = layer as unknown as Record<string, unknown>; // the types declare its fields private
  for (const mask of MASKS) if (fields.has(mask)) own[mask] = null;
}

function changes(layer: tf.layers.Layer, fields: Fields): KeptField[] {
  const now = layer as unknown as Record<string, unknown>;
  return [...fields].flatMap(([field, { value, items }]) => {
    const before = tensorsIn(items ?? value);
    const after = tensorsIn(now[field]);
    return before.length === 0 || before.every((tensor, i) => after[i] === tensor)
      ? []
      : [{ layer: layer.name, field, before }];
  });
}

function tensorsIn(value: unknown): tf.Tensor[] {
  return [value].flat().filter((one): one is tf.Tensor => one instanceof tf.Tensor);
}

function putBack(layer: tf.layers.Layer, fields: Fields): void {
  const now = layer as unknown as Record<string, unknown>;
  for (const field of Object.keys(layer)) if (!fields.has(field)) Reflect.deleteProperty(now, field);
  for (const [field, { value, items }] of fields) {
    if (items !== undefined && Array.isArray(value)) value.splice(0, value.length, ...items);
    if (now[field] !== value) now[field] = value;
  }
}
