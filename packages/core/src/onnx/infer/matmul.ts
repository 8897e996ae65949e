// Products of matrices.
import type { Dim } from '../../tensor.js';
import { broadcast } from './elementwise.js';
import { agree, dimOf, fail, input, int, oneType, ranked, text, type Rule } from './fact.js';

/** As numpy.matmul: a vector gets another axis, which the result does not have; leading axes broadcast. */
const MatMul: Rule = (node) => {
  const [a, b] = [ranked(node, 0, 1).shape, ranked(node, 1, 1).shape];
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [m, k] = left.slice(-2) as [Dim, Dim]; // both have rank 2 or more
  const [l, n] = right.slice(-2) as [Dim, Dim];
  if (!agree(k, l)) fail(node, `expected inner sizes that are equal, got [${a.join(', ')}] and [${b.join(', ')}]`);
  const outer = left.length === 2 && right.length === 2 ? [] : broadcast(node, left.slice(0, -2), right.slice(0, -2));
  return [{ dtype: oneType(node), shape: [...outer, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])] }];
};

const Gemm: Rule = (node) => {
  const [a, b, c] = [ranked(node, 0, 2, 2), ranked(node, 1, 2, 2), node.inputs[2]];
  const [ta, tb] = [int(node, 'transA', 0) !== 0, int(node, 'transB', 0) !== 0];
  const [m, k] = [dimOf(node, a, ta ? 1 : 0), dimOf(node, a, ta ? 0 : 1)];
  const [l, n] = [dimOf(node, b, tb ? 1 : 0), dimOf(node, b, tb ? 0 : 1)];
  if (!agree(k, l)) fail(node, `expected inner sizes that are equal, got ${k} and ${l}`);
  if (c !== undefined) {
    const fits =
      c.shape.length <= 2 && [...c.shape].reverse().every((dim, i) => dim === 1 || agree(dim, i === 0 ? n : m));
    if (!fits) fail(node, `input 2: expected a shape that broadcasts to [${m}, ${n}], got [${c.shape.join(', ')}]`);
  }
  return [{ dtype: oneType(node), shape: [m, n] }];
};

/** Labels → sizes; `...` stands for leading axes that broadcast. */
const Einsum: Rule = (node) => {
  const equation = text(node, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  if (terms.length !== node.inputs.length)
    fail(node, `equation: expected ${node.inputs.length} terms, got '${equation}'`);
  const sizes = new Map<string, Dim>();
  const rests: Dim[][] = [];
  terms.forEach((term, i) => {
    const { shape } = input(node, i);
    const labels = [...term.replace('...', '')];
    const spread = term.includes('...') ? shape.length - labels.length : 0;
    if (spread < 0 || (!term.includes('...') && labels.length !== shape.length))
      fail(node, `equation: expected '${term}' to name the axes of [${shape.join(', ')}]`);
    const at = term.indexOf('...');
    labels.forEach((label, l) => {
      const dim = shape[at !== -1 && l >= at ? l + spread : l] ?? 1;
      const known = sizes.get(label);
      if (known !== undefined && known !== 1 && dim !== 1 && !agree(known, dim))
        fail(node, `equation: label ${label}: expected ${known}, got ${dim}`);
      if (known === undefined || known === 1 || (typeof dim === 'number' && dim !== 1)) sizes.set(label, dim);
    });
    if (at !== -1) rests.push(shape.slice(at, at + spread));
  });
  const rest = rests.length === 0 ? [] : broadcast(node, ...rests);
  const every = [...left.replaceAll(',', '').replaceAll('.', '')];
  const implicit = every
    .filter((label) => every.indexOf(label) === every.lastIndexOf(label))
    .sort()
    .join('');
  const result = right ?? `${rests.length > 0 ? '...' : ''}${implicit}`;
  const shape = result
    .split('...')
    .map((part) =>
      [...part].map((label) => sizes.get(label) ?? fail(node, `equation: '${label}' is in the result only`)),
    );
  const [before = [], after = []] = shape;
  return [{ dtype: oneType(node), shape: result.includes('...') ? [...before, ...rest, ...after] : before }];
};

/** Rules of the products. */
export const matmul: Record<'Einsum' | 'Gemm' | 'MatMul', Rule> = { Einsum, Gemm, MatMul };
