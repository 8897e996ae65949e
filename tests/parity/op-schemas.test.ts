// The builder's operators against the specification: the schemas of the `onnx` package, at each opset that we write.
import { readFileSync } from 'node:fs';
import { UsageError } from '@forja/core';
import { GraphBuilder } from '@forja/core/onnx';
import type { OpName } from '@forja/core/onnx';
import { describe, expect, test } from 'vitest';
import { ATTRIBUTE_KINDS, attribute } from '../../packages/core/src/onnx/build/attributes.js';
import { SIGNATURES } from '../../packages/core/src/onnx/build/signatures.js';
import { OP_CASES, type OpCase } from './support/op-cases.js';

interface Schema {
  since: number;
  inputs: [number, number | null];
  outputs: [number, number | null];
  attributes: Record<string, string>;
}

const { ops } = JSON.parse(readFileSync(new URL('../vectors/op-schemas.json', import.meta.url), 'utf8')) as {
  ops: Record<string, Record<string, Schema | null>>;
};

/** The schema in force at an opset: that of the last change up to it. */
function schemaAt(op: string, opset: number): Schema | null {
  const versions = Object.entries(ops[op] ?? {}).filter(([from]) => Number(from) <= opset);
  return versions.at(-1)?.[1] ?? null;
}

test('every operator is one of the specification, and none is missing here', () => {
  expect(Object.keys(SIGNATURES).sort()).toEqual(Object.keys(ops).sort());
});

describe('at opset 22', () => {
  test('numbers of inputs and outputs are the schema’s', () => {
    const ours = Object.entries(SIGNATURES).map(([op, [least, most, outputs]]) => [op, least, most, outputs]);
    const theirs = Object.keys(SIGNATURES).map((op) => {
      const schema = schemaAt(op, 22);
      return [op, schema?.inputs[0], schema?.inputs[1] ?? Infinity, schema?.outputs[1] ?? Infinity];
    });
    expect(ours).toEqual(theirs);
  });

  test('an operator is refused exactly at the opsets that do not have it', () => {
    for (const [op, [, , , since = 17]] of Object.entries(SIGNATURES)) {
      for (let opset = 17; opset <= 22; opset++)
        expect(schemaAt(op, opset) !== null, `${op} at ${opset}`).toBe(opset >= since);
    }
  });

  test('every attribute has the type of every operator that has it', () => {
    const wrong: string[] = [];
    for (const [op, versions] of Object.entries(ops)) {
      for (const schema of Object.values(versions)) {
        for (const [name, type] of Object.entries(schema?.attributes ?? {})) {
          const kind = (ATTRIBUTE_KINDS as Record<string, string>)[name]; // a name we do not write has none
          if (kind !== undefined && kind !== type) wrong.push(`${op}.${name}: ${type}, written as ${kind}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

test('nodes that the builder writes for the cases of each operator match its schema, at each opset', () => {
  const wrong: string[] = [];
  let written = 0;
  for (const [op, cases] of Object.entries(OP_CASES) as [OpName, readonly OpCase[]][]) {
    for (const { inputs, attributes, outputs = 1 } of cases.slice(0, 12)) {
      for (let opset = 17; opset <= 22; opset++) {
        const g = new GraphBuilder({ opset });
        const values = inputs.map((operand, i) => {
          if (operand === undefined) return undefined;
          const data = operand.data ?? new Array<number>(operand.shape.reduce((a, b) => a * b, 1)).fill(0);
          return operand.constant === true
            ? g.constant(operand.dtype, operand.shape, data)
            : g.input(`x${i}`, operand.dtype, operand.shape);
        });
        try {
          g.ops(op, values, attributes as never, outputs).forEach((value, i) => g.output(`y${i}`, value)); // the table pairs operators with their attributes
        } catch (error) {
          if (error instanceof UsageError && /opset \d+ or newer/.test(error.message)) continue;
          throw error;
        }
        for (const node of g.build().graph?.nodes ?? []) {
          const schema = schemaAt(node.opType ?? '', opset);
          written++;
          const bad =
            schema === null ||
            node.inputs.length < schema.inputs[0] ||
            node.inputs.length > (schema.inputs[1] ?? Infinity) ||
            node.outputs.length < schema.outputs[0] ||
            node.outputs.length > (schema.outputs[1] ?? Infinity) ||
            node.attributes.some(({ name }) => !Object.hasOwn(schema.attributes, name ?? ''));
          if (bad)
            wrong.push(
              `${op} at ${opset}: ${node.inputs.length} inputs, ${node.outputs.length} outputs, ${node.attributes.map(({ name }) => name).join(', ')}`,
            );
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(written).toBeGreaterThan(2000);
});

test('attributes refuse values of another type', () => {
  const refused: readonly (readonly [string, unknown])[] = [
    ['alpha', 'x'],
    ['axis', 1.5],
    ['axis', [1]],
    ['perm', 1],
    ['perm', [0.5]],
    ['mode', 1],
    ['nope', 1],
  ];
  for (const [name, value] of refused) expect(() => attribute('here', name, value as never), name).toThrow(UsageError);
});
