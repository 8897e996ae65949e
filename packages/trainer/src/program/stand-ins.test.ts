// Stand-ins for kernels that tfjs-wasm lacks, against the kernels of tfjs's cpu backend.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { STAND_INS } from './stand-ins.js';

beforeAll(() => tf.setBackend('cpu'));

describe('Einsum', () => {
  it.each([
    'ij,jk->ik',
    'bij,bjk->bik',
    'abc,cd->abd',
    'abcd,aecd->acbe',
    'acbe,aecd->abcd',
    'ij,jk->ki',
    'i,j->ij',
    'ij,ij->ij',
    'ijk,jk->i',
    'bhwc,bhwc->bc',
    'abc,b->ca',
  ])('%s', (equation) => {
    const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, e: 3, h: 2, w: 3, i: 2, j: 3, k: 4 };
    const operands = (equation.split('->')[0] ?? '').split(',').map((letters, i) =>
      tf.randomNormal(
        [...letters].map((letter) => sizes[letter] ?? 1),
        0,
        1,
        'float32',
        i + 1,
      ),
    );
    const wanted = tf.einsum(equation, ...operands);
    const got = STAND_INS['Einsum']?.(operands, { equation });
    expect(got?.shape).toEqual(wanted.shape);
    expect(got?.dataSync() as Float32Array).toBeAllclose(wanted.dataSync() as Float32Array, { atol: 1e-5, rtol: 1e-5 });
  });

  it('leaves what is no product of two to the kernel', () => {
    for (const equation of ['ij->ji', 'ii,i->i', 'ij,jk->', 'ijk,jl->il'])
      expect(STAND_INS['Einsum']?.([tf.ones([2, 2, 2]), tf.ones([2, 2])], { equation })).toBeUndefined();
  });
});
