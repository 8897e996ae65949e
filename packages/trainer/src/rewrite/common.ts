// Common-subexpression elimination: a call repeated on the same values is computed once. For example, a step that
// applies its generator for D and again for G runs it once. Constants are compared by their bytes.
import { sizeText, type ConstantData, type KernelCall, type Program, type ValueId } from '../program/program.js';
import { traitsOf } from '../kernels/traits.js';
import { attributeKey } from '../program/attribute-key.js';
import { dtypeOf, Rewriter, shapeOf } from '../program/graph.js';

/** Merges equal constants and equal calls into the first of them. */
export function eliminateCommonSubexpressions(program: Program): Program {
  const rewriter = new Rewriter(program);
  const seen = new Map<string, readonly ValueId[]>();
  const once = (key: string, ids: readonly ValueId[]): boolean => {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, ids);
    else ids.forEach((id, i) => rewriter.replace(id, first[i] ?? id));
    return first === undefined;
  };
  const buckets = new Map<string, ValueId[]>();
  for (const [id, data] of program.constants) {
    const key = `${dtypeOf(program, id)}[${shapeOf(program, id).map(sizeText).join()}]${hash(data)}`;
    const bucket = buckets.get(key) ?? [];
    buckets.set(key, bucket);
    const first = bucket.find((other) => equal(data, program.constants.get(other)));
    if (first === undefined) bucket.push(id);
    else rewriter.replace(id, first);
  }
  return rewriter.run((call) => {
    if (traitsOf(call.kernel).impure === true || once(keyOf(call, rewriter), call.outputs)) rewriter.emit(call);
  });
}

function keyOf(call: KernelCall, rewriter: Rewriter): string {
  const { a, b } = call.inputs;
  const inputs =
    traitsOf(call.kernel).commutative === true &&
    typeof a === 'number' &&
    typeof b === 'number' &&
    a > b &&
    rewriter.dtype(a) === rewriter.dtype(b)
      ? { a: b, b: a }
      : call.inputs;
  return `${call.kernel}(${Object.entries(inputs)
    .map(([name, ids]) => `${name}=${String(ids)}`)
    .join(';')})${attributeKey(call.attrs)}`;
}

const bytesOf = (data: ConstantData): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** FNV-1a of the bytes. */
function hash(data: ConstantData): number {
  let h = 0x811c9dc5;
  for (const byte of bytesOf(data)) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}

function equal(a: ConstantData, b: ConstantData | undefined): boolean {
  if (b === undefined || a.length !== b.length) return false;
  const [x, y] = [bytesOf(a), bytesOf(b)];
  return x.every((byte, i) => byte === y[i]);
}
