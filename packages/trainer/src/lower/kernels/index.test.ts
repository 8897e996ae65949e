// Both tables against the kernel names that the installed tfjs-core really exports.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { SHAPE_RULES } from '../../trace/shapes/index.js';
import { PORTABLE_KERNELS } from './index.js';

function exportedNames(): string[] {
  const tfjs = createRequire(import.meta.url).resolve('@tensorflow/tfjs');
  const types = createRequire(tfjs).resolve('@tensorflow/tfjs-core/dist/kernel_names.d.ts');
  return [...readFileSync(types, 'utf8').matchAll(/^export declare const (\w+) = "(\w+)";$/gm)].map(
    (match) => match[2] ?? '',
  );
}

describe('kernel tables', () => {
  const names = exportedNames().sort();

  it('finds the vocabulary of tfjs-core', () => {
    expect(names.length).toBeGreaterThan(150);
    expect(names).toContain('_FusedMatMul');
  });

  it('has a lowering or a reason for every kernel, and no other row', () => {
    expect(Object.keys(PORTABLE_KERNELS).sort()).toEqual(names);
    for (const row of Object.values(PORTABLE_KERNELS))
      expect(typeof row === 'function' || row.unsupported.length > 10).toBe(true);
  });

  it('has a shape rule for every kernel, and no other row', () => {
    expect(Object.keys(SHAPE_RULES).sort()).toEqual(names);
    for (const rule of Object.values(SHAPE_RULES)) expect(typeof rule).toBe('function');
  });
});
