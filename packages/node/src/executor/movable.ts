// Recipes whose bytes are transferred to a worker, in buffers that are freed explicitly once the session is created: in
// an idle worker, garbage collection may not happen for a long time.
import type { Recipe } from './contract.js';

/** An ArrayBuffer that can be made smaller; TypeScript knows it from ES2024 on. */
interface Resizable extends ArrayBuffer {
  resize?(length: number): void;
}
const NewBuffer = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

/** A copy of the recipe, whose bytes can be transferred. */
export function movable({ model, options }: Recipe): Recipe {
  const { external, ...others } = options;
  return {
    model: copyOf(model),
    options: external
      ? { ...others, external: new Map([...external].map(([path, bytes]) => [path, copyOf(bytes)])) }
      : others,
  };
}

/** The buffers to transfer. */
export const buffersIn = ({ model, options }: Recipe): ArrayBuffer[] =>
  [model, ...(options.external?.values() ?? [])].map(({ buffer }) => buffer as ArrayBuffer); // made by `copyOf`

/** Frees the memory; the bytes are empty afterwards. */
export function drop(recipe: Recipe): void {
  for (const buffer of buffersIn(recipe)) (buffer as Resizable).resize?.(0);
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new NewBuffer(bytes.length, { maxByteLength: bytes.length }), 0, bytes.length);
  copy.set(bytes);
  return copy;
}
