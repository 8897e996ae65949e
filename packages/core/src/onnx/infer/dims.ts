// Arithmetic on dimensions: numbers, names, and expressions over names such as `2*batch + 1` or `floor((h + 1)/2)`,
// kept in one canonical text form so that equal sizes have equal names. Sizes are assumed large enough: `batch - 2` is
// not clamped at 0.
import type { Dim } from '../../tensor.js';

/** Sum of products: factors joined by `*` ('' for the constant) → coefficient. */
type Sum = Map<string, number>;

/**
 * Splits where `cut` says so, outside parentheses. `cut` returns the length of a separator that starts at `i`, or 0.
 */
function split(text: string, cut: (i: number) => number): string[] {
  const parts: string[] = [];
  let [from, depth] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    const length = depth === 0 ? cut(i) : 0;
    if (length > 0) {
      parts.push(text.slice(from, i));
      from = i + length;
      i = from - 1;
    }
  }
  return [...parts, text.slice(from)];
}

function parse(dim: Dim): Sum {
  const sum: Sum = new Map();
  if (typeof dim === 'number') return accumulate(sum, '', dim);
  const signs: number[] = [1];
  const terms = split(dim, (i) => {
    const next = dim.slice(i, i + 3);
    if (next !== ' + ' && next !== ' - ') return 0;
    signs.push(next === ' + ' ? 1 : -1);
    return 3;
  });
  terms.forEach((term, t) => {
    let coefficient = signs[t] ?? 1;
    const negative = term.startsWith('-');
    if (negative) coefficient = -coefficient;
    const body = negative ? term.slice(1) : term;
    const factors = split(body, (i) => (body[i] === '*' ? 1 : 0)).filter((factor) => {
      if (!/^\d+$/.test(factor)) return true;
      coefficient *= Number(factor);
      return false;
    });
    accumulate(sum, factors.sort().join('*'), coefficient);
  });
  return sum;
}

function accumulate(sum: Sum, factors: string, coefficient: number): Sum {
  const total = (sum.get(factors) ?? 0) + coefficient;
  if (total === 0) sum.delete(factors);
  else sum.set(factors, total);
  return sum;
}

function render(sum: Sum): Dim {
  const names = [...sum.keys()].filter((factors) => factors !== '').sort();
  const constant = sum.get('') ?? 0;
  if (names.length === 0) return constant;
  const terms = names.map((factors) => ({
    sign: Math.sign(sum.get(factors) ?? 0),
    text: magnitude(Math.abs(sum.get(factors) ?? 0), factors),
  }));
  if (constant !== 0) terms.push({ sign: Math.sign(constant), text: String(Math.abs(constant)) });
  return terms
    .map(({ sign, text }, i) => (i === 0 ? (sign < 0 ? `-${text}` : text) : sign < 0 ? ` - ${text}` : ` + ${text}`))
    .join('');
}

function magnitude(coefficient: number, factors: string): string {
  return coefficient === 1 ? factors : `${coefficient}*${factors}`;
}

const factorsOf = (factors: string): string[] =>
  factors === '' ? [] : split(factors, (i) => (factors[i] === '*' ? 1 : 0));

/** a + b + … */
export function add(...dims: readonly Dim[]): Dim {
  if (dims.every((d) => typeof d === 'number')) return dims.reduce((a, b) => a + b, 0);
  const sum: Sum = new Map();
  for (const dim of dims) for (const [factors, coefficient] of parse(dim)) accumulate(sum, factors, coefficient);
  return render(sum);
}

/** a - b. */
export function subtract(a: Dim, b: Dim): Dim {
  return add(a, multiply(b, -1));
}

/** a · b · … */
export function multiply(...dims: readonly Dim[]): Dim {
  // `+ 0` turns -0 into 0.
  if (dims.every((d) => typeof d === 'number')) return dims.reduce((a, b) => a * b, 1) + 0;
  const product = dims.map(parse).reduce(
    (a, b) => {
      const next: Sum = new Map();
      for (const [f, x] of a)
        for (const [g, y] of b) accumulate(next, [...factorsOf(f), ...factorsOf(g)].sort().join('*'), x * y);
      return next;
    },
    new Map([['', 1]]),
  );
  return render(product);
}

/** The product of `whole` divided by that of `parts`; must be exact. */
export function quotient(whole: readonly Dim[], parts: readonly Dim[]): Dim {
  const left = [...whole];
  const right = parts.filter((part) => {
    const at = left.indexOf(part);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
  const [a, b] = [multiply(...left), multiply(...right)];
  if (typeof b === 'number') return floorDivide(a, b);
  const [divisor, rest] = [[...parse(b)], parse(a)];
  const [only] = divisor;
  if (divisor.length !== 1 || only === undefined) return a === b ? 1 : `floor(${grouped(a)}/${grouped(b)})`;
  const result: Sum = new Map();
  for (const [factors, coefficient] of rest) {
    const have = factorsOf(factors);
    for (const factor of factorsOf(only[0])) {
      const at = have.indexOf(factor);
      if (at === -1) return `floor(${grouped(a)}/${grouped(b)})`;
      have.splice(at, 1);
    }
    if (coefficient % only[1] !== 0) return `floor(${grouped(a)}/${grouped(b)})`;
    accumulate(result, have.join('*'), coefficient / only[1]);
  }
  return render(result);
}

/** ⌊a / n⌋ for a positive integer n. */
export function floorDivide(a: Dim, n: number): Dim {
  if (typeof a === 'number') return Math.floor(a / n);
  if (n === 1) return a;
  const [whole, rest]: [Sum, Sum] = [new Map(), new Map()];
  for (const [factors, coefficient] of parse(a)) {
    const fits = factors !== '' && coefficient % n === 0;
    accumulate(fits ? whole : rest, factors, fits ? coefficient / n : coefficient);
  }
  const remainder = render(rest);
  return add(
    render(whole),
    typeof remainder === 'number' ? Math.floor(remainder / n) : `floor(${grouped(remainder)}/${n})`,
  );
}

/** ⌈a / n⌉ for a positive integer n. */
export function ceilDivide(a: Dim, n: number): Dim {
  return floorDivide(add(a, n - 1), n);
}

/** ⌊a · factor⌋ in float32, as runtimes compute the size of a resized axis. */
export function scale(a: Dim, factor: number): Dim {
  if (Number.isInteger(factor)) return multiply(a, factor);
  if (typeof a === 'number') return Math.floor(Math.fround(a * Math.fround(factor)));
  const short = Number(factor.toPrecision(7));
  return Number.isInteger(1 / factor)
    ? floorDivide(a, 1 / factor)
    : `floor(${grouped(a)}*${Math.fround(short) === factor ? short : factor})`;
}

/** The smaller, or larger, of two. */
export function extreme(which: 'min' | 'max', a: Dim, b: Dim): Dim {
  const difference = subtract(a, b);
  if (typeof difference === 'number') return difference < 0 === (which === 'min') ? a : b;
  return `${which}(${[a, b].map(String).sort().join(', ')})`;
}

function grouped(dim: Dim): Dim {
  return typeof dim === 'string' && /[ *]/.test(dim) ? `(${dim})` : dim;
}
