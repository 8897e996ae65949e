// A constant whose numbers count a dynamic dim, or divide by it, told again as calls: 1 / (height · width) becomes a Fill with the size and its reciprocal.
import type { ConstantData, KernelCall, Program, ValueId } from '../trace/program.js';
import type { Size } from '../trace/size.js';

/** Numerators tried for a quotient. */
const NUMERATORS = [1, 2, 3, 4, -1, -2];

/** Constants of at most so many numbers are tried. */
const FEW = 16;

/**
 * Calls that make value `id` of `program`, whose shape is fixed and whose numbers `versions` differ from size to size: one number throughout, a size or a small
 * number over one. Undefined where it is neither, at every size.
 */
export function fromSizes(program: Program, id: ValueId, versions: readonly ConstantData[], solve: (numbers: readonly number[]) => Size | undefined): KernelCall[] | undefined {
  const value = program.values[id];
  const numbers = versions.map((data) => data[0] ?? NaN);
  if (value === undefined || value.dtype === 'bool' || !versions.every((data, i) => data.length <= FEW && data.every((v) => v === numbers[i]))) return undefined;
  const fill = (size: Size, output: ValueId): KernelCall => ({ kernel: 'Fill', inputs: {}, attrs: { shape: [...value.shape], value: size, dtype: value.dtype }, outputs: [output] });
  const size = numbers.every(Number.isSafeInteger) ? solve(numbers) : undefined;
  if (size !== undefined) return [fill(size, id)];
  if (value.dtype !== 'float32') return undefined;
  for (const numerator of NUMERATORS) {
    const wholes = numbers.map((v) => Math.round(numerator / v));
    // Exact in float32, or it was no quotient.
    const divisor = wholes.every((whole, i) => Math.fround(numerator / whole) === numbers[i]) ? solve(wholes) : undefined;
    if (divisor === undefined || typeof divisor === 'number') continue;
    const [above, below] = [program.values.push({ dtype: 'float32', shape: [...value.shape] }) - 1, program.values.push({ dtype: 'float32', shape: [...value.shape] }) - 1];
    return [fill(numerator, above), fill(divisor, below), { kernel: 'RealDiv', inputs: { a: above, b: below }, attrs: {}, outputs: [id] }];
  }
  return undefined;
}
