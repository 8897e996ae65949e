// The facts that inference keeps about a value, the type of a rule, and helpers to read inputs and attributes.
import { UsageError } from '../../errors.js';
import type { DType, Dim } from '../../tensor.js';
import type { OpName } from '../ops.js';

/**
 * A value's type, shape and, for small constants and shape arithmetic, its elements, where a name is a dynamic size.
 */
export interface Fact {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly data?: readonly Dim[] | undefined;
}

/** Values an attribute may have. */
export type AttributeValue = number | string | readonly number[] | undefined;

/** A node to infer. */
export interface InferNode {
  /** The node's name in errors. */
  readonly where: string;
  readonly op: OpName;
  readonly opset: number;
  readonly inputs: readonly (Fact | undefined)[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Number of outputs of the node. */
  readonly outputs: number;
  /** A new name for an unknown size. */
  fresh(): string;
}

/** Types and shapes of a node's outputs, at least `outputs` of them. Throws UsageError for invalid inputs. */
export type Rule = (node: InferNode) => readonly Fact[];

/** Maximum number of elements that inference evaluates per value. */
export const TRACKED = 1024;

/** Throws a UsageError about the node. */
export function fail(node: InferNode, message: string): never {
  throw new UsageError(`${node.where}: ${message}`);
}

/** Input `i`, which must be there. */
export function input(node: InferNode, i = 0): Fact {
  return node.inputs[i] ?? fail(node, `expected input ${i}, got none`);
}

/** An integer attribute. */
export function int(node: InferNode, name: string, fallback: number): number {
  const value = node.attributes[name];
  return value === undefined
    ? fallback
    : typeof value === 'number'
      ? value
      : fail(node, `${name}: expected a number, got ${JSON.stringify(value)}`);
}

/** An attribute that is a list of integers. */
export function ints(node: InferNode, name: string): readonly number[] | undefined {
  const value = node.attributes[name];
  return value === undefined || typeof value === 'object'
    ? value
    : fail(node, `${name}: expected a list of numbers, got ${JSON.stringify(value)}`);
}

/** An attribute that is a text. */
export function text(node: InferNode, name: string, fallback: string): string {
  const value = node.attributes[name];
  return value === undefined
    ? fallback
    : typeof value === 'string'
      ? value
      : fail(node, `${name}: expected a text, got ${JSON.stringify(value)}`);
}

/** The axis `value` of a tensor of rank `rank`, counted from the front. */
export function axisOf(node: InferNode, value: number, rank: number): number {
  if (!Number.isInteger(value) || value < -rank || value >= rank)
    fail(node, `expected an axis in [${-rank}, ${rank - 1}], got ${value}`);
  return value < 0 ? value + rank : value;
}

/** The elements of input `i` when all are known numbers. */
export function numbers(node: InferNode, i: number): readonly number[] | undefined {
  const data = node.inputs[i]?.data;
  return data !== undefined && data.every((d) => typeof d === 'number') ? data : undefined;
}

/** Axes from input `i`, which must be constant if given; undefined if not given. */
export function axesInput(node: InferNode, i: number, rank: number): readonly number[] | undefined {
  if (node.inputs[i] === undefined) return undefined;
  const axes = numbers(node, i) ?? fail(node, `input ${i}: expected axes that are a constant`);
  return axes.map((axis) => axisOf(node, axis, rank));
}

/** The size of dimension `i`. */
export function dimOf(node: InferNode, fact: Fact, i: number): Dim {
  return fact.shape[i] ?? fail(node, `expected rank over ${i}, got [${fact.shape.join(', ')}]`);
}

/** The fixed length of a one-dimensional input, such as a list of sizes or axes. */
export function lengthOf(node: InferNode, i: number): number {
  const fact = input(node, i);
  const [length] = fact.shape;
  if (fact.shape.length !== 1 || typeof length !== 'number')
    fail(node, `input ${i}: expected one dimension of fixed length, got [${fact.shape.join(', ')}]`);
  return length;
}

/** Checks that inputs have one type and returns it. Absent ones are skipped. */
export function oneType(node: InferNode, at: readonly number[] = node.inputs.map((_, i) => i)): DType {
  const facts = at.map((i) => node.inputs[i]).filter((fact) => fact !== undefined);
  const dtype = facts[0]?.dtype ?? fail(node, 'expected inputs, got none');
  if (facts.some((fact) => fact.dtype !== dtype))
    fail(node, `expected inputs of one type, got ${facts.map((fact) => fact.dtype).join(', ')}`);
  return dtype;
}

/** Input `i`. Throws if its rank is not from `least` to `most`. */
export function ranked(node: InferNode, i: number, least: number, most: number = Infinity): Fact {
  const fact = input(node, i);
  if (fact.shape.length < least || fact.shape.length > most) {
    fail(
      node,
      `input ${i}: expected ` +
        `${least === most ? `rank ${least}` : `rank ${least}${most === Infinity ? ' or more' : `-${most}`}`}, got ` +
        `[${fact.shape.join(', ')}]`,
    );
  }
  return fact;
}

/** `data`, if inference keeps the elements of a value of this shape, else undefined. */
export function tracked(shape: readonly Dim[], data: readonly Dim[] | undefined): readonly Dim[] | undefined {
  return data !== undefined && data.length <= TRACKED && shape.length <= 1 ? data : undefined;
}

/** Whether two sizes may be equal: numbers must be equal, a name agrees with anything. */
export function agree(a: Dim, b: Dim): boolean {
  return typeof a !== 'number' || typeof b !== 'number' || a === b;
}
