// Sizes as ONNX values: initializers if they are numbers, else computed from the shapes of the graph's inputs. Also
// emits Reshape, whose target shape often needs no computed size.
import type { Dim } from '@forja/core';
import type { GraphBuilder, Value } from '@forja/core/onnx';
import { ExportError } from '@forja/core';
import { factorOf, factorsOf, isStatic, sizeText, type Size, type SymbolicSize } from '../program/size.js';

/** A size as a dimension of the builder: a number or a name. */
export function dimOf(size: Size): Dim {
  return isStatic(size) ? size : sizeText(size);
}

/** Whether a value is known to have exactly these sizes. */
function hasSizes(value: Value, sizes: readonly Size[]): boolean {
  return value.shape.length === sizes.length && sizes.every((size, i) => value.shape[i] === dimOf(size));
}

/** Computes the symbolic sizes of one graph. */
export class Symbols {
  private readonly inputs: { value: Value; sizes: readonly Size[] }[] = [];
  private readonly known = new Map<string, Value>();
  private readonly reshaped = new Map<Value, Value>();

  constructor(private readonly builder: GraphBuilder) {}

  /** Makes the dims of a graph input available. */
  input(value: Value, sizes: readonly Size[]): void {
    this.inputs.push({ value, sizes });
  }

  int64s(values: readonly number[]): Value {
    return this.builder.constant('int64', [values.length], values);
  }

  /** Sizes as a one-dimensional int64 value. */
  sizes(sizes: readonly Size[]): Value {
    if (sizes.every(isStatic)) return this.int64s(sizes);
    const text = `[${sizes.map(sizeText).join()}]`;
    return this.known.get(text) ?? this.keep(text, this.joined(sizes));
  }

  private joined(sizes: readonly Size[]): Value {
    const parts: Value[] = [];
    let run: number[] = [];
    const flush = (): void => {
      if (run.length > 0) parts.push(this.int64s(run));
      run = [];
    };
    for (const size of sizes) {
      if (isStatic(size)) run.push(size);
      else {
        flush();
        parts.push(this.computed(size));
      }
    }
    flush();
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : this.builder.op('Concat', parts, { axis: 0 });
  }

  private computed(size: SymbolicSize): Value {
    const text = sizeText(size);
    const before = this.known.get(text);
    if (before !== undefined) return before;
    for (const { value, sizes } of this.inputs) {
      const axis = sizes.findIndex((one) => sizeText(one) === text);
      if (axis !== -1) return this.keep(text, this.builder.op('Shape', [value], { start: axis, end: axis + 1 }));
    }
    let sum: Value | undefined;
    for (const [name, factor] of Object.entries(size.terms)) {
      const symbol = this.symbol(name);
      const term = factor === 1 ? symbol : this.builder.op('Mul', [symbol, this.int64s([factor])]);
      sum = sum === undefined ? term : this.builder.op('Add', [sum, term]);
    }
    return this.keep(
      text,
      sum === undefined
        ? this.int64s([size.constant])
        : size.constant === 0
          ? sum
          : this.builder.op('Add', [sum, this.int64s([size.constant])]),
    );
  }

  /** A product of dims, rounded quotients and maxima. */
  private symbol(key: string): Value {
    const factors = factorsOf(key);
    return factors.length === 1
      ? this.factor(key)
      : factors.map((factor) => this.factor(factor)).reduce((a, b) => this.builder.op('Mul', [a, b]));
  }

  /**
   * A rounded quotient, a maximum, or a dim. A dim is read from the first input with an axis of that size, or of a
   * multiple of it plus a constant.
   */
  private factor(key: string): Value {
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const given = factorOf(key);
    if ('whole' in given) return this.keep(key, this.wholePart(given.whole, given.by));
    if ('greater' in given)
      return this.keep(
        key,
        this.builder.op(
          'Max',
          given.greater.map((size) => this.sizes([size])),
        ),
      );
    return this.keep(key, this.dim(key, given.name));
  }

  /** Floor division: for negative numbers, where ONNX's Div truncates, the remainder is subtracted first. */
  private wholePart(whole: Size, by: number): Value {
    const [value, divisor] = [this.sizes([whole]), this.int64s([by])];
    const below = isStatic(whole) || whole.constant < 0 || Object.values(whole.terms).some((factor) => factor < 0);
    return this.builder.op('Div', [
      below ? this.builder.op('Sub', [value, this.builder.op('Mod', [value, divisor])]) : value,
      divisor,
    ]);
  }

  private keep(text: string, value: Value): Value {
    this.known.set(text, value);
    return value;
  }

  private dim(key: string, name: string): Value {
    const found = this.inputs.flatMap(({ value, sizes }) =>
      sizes.flatMap((size, axis) => {
        if (isStatic(size)) return [];
        const factor = size.terms[key];
        return factor !== undefined && factor !== 0 && Object.keys(size.terms).length === 1
          ? [{ value, axis, factor, constant: size.constant }]
          : [];
      }),
    );
    const best = found.find(({ factor, constant }) => factor === 1 && constant === 0) ?? found[0];
    if (best === undefined)
      throw new ExportError(
        'export.unsupported',
        `a size depends on '${name}': expected an input with that dimension, got none; name it in an input's shape`,
      );
    const shape = this.builder.op('Shape', [best.value], { start: best.axis, end: best.axis + 1 });
    const multiple = best.constant === 0 ? shape : this.builder.op('Sub', [shape, this.int64s([best.constant])]);
    return best.factor === 1 ? multiple : this.builder.op('Div', [multiple, this.int64s([best.factor])]);
  }

  /** Reshapes to physical sizes. Consecutive reshapes become one; emits nothing if the value has these sizes. */
  reshape(given: Value, sizes: readonly Size[]): Value {
    const value = this.reshaped.get(given) ?? given;
    if (hasSizes(value, sizes)) return value;
    const result = this.builder.op(
      'Reshape',
      [value, this.target(value, sizes)],
      sizes.includes(0) ? { allowzero: 1 } : {},
    );
    this.reshaped.set(result, value);
    return result;
  }

  private target(value: Value, sizes: readonly Size[]): Value {
    if (sizes.every(isStatic)) return this.int64s(sizes);
    if (sizes.includes(0)) return this.sizes(sizes);
    // 0 copies the dimension at the same position, and the runtime infers one -1.
    const kept = sizes.map((size, i) => (isStatic(size) ? size : value.shape[i] === sizeText(size) ? 0 : -1));
    const one = sizes.filter((size) => !isStatic(size)).length === 1;
    if (one) return this.int64s(sizes.map((size) => (isStatic(size) ? size : -1)));
    return kept.filter((size) => size === -1).length <= 1 ? this.int64s(kept) : this.sizes(sizes);
  }
}
