// tf.layers layers while they are applied: their names, so that a kernel call knows the layer it belongs to, and what
// they keep from one call to the next, which a trace leaves as it was.
import * as tf from '@tensorflow/tfjs';
import { override } from '../tfjs/engine.js';

/** A layer's field in which a call left other tensors than it found. */
export interface KeptField {
  layer: string;
  field: string;
  /** The tensors that were there. */
  before: tf.Tensor[];
}

/** A watch over layers. */
export interface LayerWatch {
  /** Whether a layer had the tensor in a field when it was first applied. */
  holds: (tensor: tf.Tensor) => boolean;
  /** What the calls changed by now. */
  kept: () => KeptField[];
  /** Ends the watch, and puts every field back. */
  end: () => void;
}

/** What a layer has in its fields; lists with what is in them. */
type Fields = Map<string, { value: unknown; items?: unknown[] }>;

/**
 * Fields in which tfjs's recurrent cells keep the dropout masks of a call. tf.layers.lstm and its kind make them anew
 * at each call; tf.layers.rnn forgets to, and would take those of an earlier one.
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

/** Writes down a layer's fields, and those of the layers in them: cells and wrapped layers are not applied. */
function remember(layer: tf.layers.Layer, known: Map<tf.layers.Layer, Fields>): void {
  if (known.has(layer)) return;
  const fields: Fields = new Map();
  known.set(layer, fields);
  for (const [field, value] of Object.entries(layer)) {
    fields.set(field, Array.isArray(value) ? { value, items: [...(value as unknown[])] } : { value });
    for (const inner of [value].flat()) if (inner instanceof tf.layers.Layer) remember(inner, known);
  }
  const own = layer as unknown as Record<string, unknown>; // its fields, which types keep private
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
