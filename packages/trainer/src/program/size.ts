// Sizes that depend on named dynamic dims, and exact arithmetic on them: sums of products of dim names, floors such as
// floor((height + 1)/2), maxima of two sizes, and dims divided by their step. Each size has one canonical form, so
// equal sizes are equal as text.

/**
 * `constant + Σ terms[key] · key`. A key is a dim's name; `name/4`, a quarter of a dim that is a multiple of 4;
 * `floor(<sum>/n)`; `max(<sum>, <sum>)`; or several of these joined by `*`.
 */
export interface SymbolicSize {
  constant: number;
  terms: Record<string, number>;
}

/** A dimension: a number in a fresh trace; possibly symbolic after alignment. */
export type Size = number | SymbolicSize;

/** One parsed factor of a key. */
export type Factor = { name: string; step: number } | { whole: Size; by: number } | { greater: [Size, Size] };

/** Whether a size is a plain number. */
export function isStatic(size: Size): size is number {
  return typeof size === 'number';
}

/** The size with these terms, in canonical form. */
function sizeOf(constant: number, terms: Readonly<Record<string, number>>): Size {
  const kept = Object.entries(terms).filter(([, factor]) => factor !== 0);
  return kept.length === 0 ? constant + 0 : { constant: constant + 0, terms: Object.fromEntries(kept) };
}

export const termsOf = (size: Size): Record<string, number> => (isStatic(size) ? {} : size.terms);
const constantOf = (size: Size): number => (isStatic(size) ? size : size.constant);

/** `a + k·b`, a plain number when no symbol is left. */
export function plus(a: Size, b: Size, k = 1): Size {
  const terms = { ...termsOf(a) };
  for (const [key, factor] of Object.entries(termsOf(b))) terms[key] = (terms[key] ?? 0) + k * factor;
  return sizeOf(constantOf(a) + k * constantOf(b), terms);
}

/** `k·a`. */
export function times(a: Size, k: number): Size {
  return plus(0, a, k);
}

/** The product of sizes. */
export function product(sizes: readonly Size[]): Size {
  return sizes.reduce((a, b) => {
    const terms: Record<string, number> = {};
    let constant = 0;
    for (const [f, x] of [['', constantOf(a)] as const, ...Object.entries(termsOf(a))]) {
      for (const [g, y] of [['', constantOf(b)] as const, ...Object.entries(termsOf(b))]) {
        const key = [...factorsOf(f), ...factorsOf(g)].sort().join('*');
        if (key === '') constant += x * y;
        else terms[key] = (terms[key] ?? 0) + x * y;
      }
    }
    return sizeOf(constant, terms);
  }, 1);
}

/** ⌊a / n⌋ for a positive whole n. Nested floors are merged. */
export function floorDivide(a: Size, n: number): Size {
  if (isStatic(a)) return Math.floor(a / n);
  const [whole, rest]: Record<string, number>[] = [{}, {}];
  for (const [key, factor] of Object.entries(a.terms)) {
    Object.assign(whole ?? {}, { [key]: Math.trunc(factor / n) });
    Object.assign(rest ?? {}, { [key]: factor % n });
  }
  const out = Math.floor(a.constant / n);
  const outside = sizeOf(out, whole ?? {});
  const left = Object.entries(rest ?? {}).filter(([, factor]) => factor !== 0);
  if (left.length === 0) return outside;
  const common = left.reduce((g, [, factor]) => gcd(g, factor), n);
  const [by, remainder] = [n / common, Math.floor((a.constant - out * n) / common)];
  const inner = sizeOf(remainder, Object.fromEntries(left.map(([key, factor]) => [key, factor / common])));
  // Integer division in a runtime rounds towards zero, so a negative sum is negated first.
  if (left.every(([, factor]) => factor < 0)) return plus(outside, floorDivide(plus(by - 1, inner, -1), by), -1);
  const [[only, factor] = ['', 0], more] = Object.entries(termsOf(inner));
  const nested = more === undefined && factor === 1 && factorsOf(only).length === 1 ? factorOf(only) : undefined;
  if (nested !== undefined && 'whole' in nested)
    return plus(outside, floorDivide(plus(nested.whole, remainder * nested.by), nested.by * by));
  return plus(outside, by === 1 ? inner : { constant: 0, terms: { [`floor(${grouped(textOf(inner))}/${by})`]: 1 } });
}

/** ⌈a / n⌉ for a positive whole n. */
export function ceilDivide(a: Size, n: number): Size {
  return floorDivide(plus(a, n - 1), n);
}

/** The greater of two sizes. */
export function maximum(a: Size, b: Size): Size {
  const difference = plus(a, b, -1);
  if (isStatic(difference)) return difference >= 0 ? a : b;
  return { constant: 0, terms: { [`max(${[textOf(a), textOf(b)].sort().join(', ')})`]: 1 } };
}

/** The lesser of two sizes: their sum minus the greater. */
export function minimum(a: Size, b: Size): Size {
  return plus(plus(a, b), maximum(a, b), -1);
}

/** A dim's name as a size. For a dim that is a multiple of `step`: `step` times `name/step`. */
export function dimSize(name: string, step = 1): SymbolicSize {
  return { constant: 0, terms: step === 1 ? { [name]: 1 } : { [`${name}/${step}`]: step } };
}

function gcd(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : gcd(b, a % b);
}

const grouped = (text: string): string => (/[ *]/.test(text) ? `(${text})` : text);

/** Splits text at `separator` outside parentheses. */
function split(text: string, separator: RegExp): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    const found = depth === 0 ? separator.exec(text.slice(i))?.[0] : undefined;
    if (found === undefined) parts[parts.length - 1] += char;
    else {
      parts.push(found.includes('-') ? '-' : '');
      i += found.length - 1;
    }
  }
  return parts;
}

/** The factors of a key; the empty key has none. */
export function factorsOf(key: string): string[] {
  return key === '' ? [] : key.includes('(') ? split(key, /^\*/) : key.split('*');
}

/** Cache of parsed factors: there are few, and they are read often. */
const parsed = new Map<string, Factor>();

/** Parses one factor of a key. */
export function factorOf(factor: string): Factor {
  const known = parsed.get(factor);
  if (known !== undefined) return known;
  const read = readFactor(factor);
  if (parsed.size > 1000) parsed.clear();
  parsed.set(factor, read);
  return read;
}

function readFactor(factor: string): Factor {
  if (factor.startsWith('floor(')) {
    const inside = factor.slice('floor('.length, -1);
    const at = inside.lastIndexOf('/');
    return { whole: parse(inside.slice(0, at)), by: Number(inside.slice(at + 1)) };
  }
  if (factor.startsWith('max(')) {
    const [a = '', b = ''] = split(factor.slice('max('.length, -1), /^, /);
    return { greater: [parse(a), parse(b)] };
  }
  const [name = '', step = '1'] = factor.split('/');
  return { name, step: Number(step) };
}

/** The inverse of {@link textOf}. */
function parse(text: string): Size {
  const bare = text.startsWith('(') && text.endsWith(')') ? text.slice(1, -1) : text;
  return split(bare, /^ [+-] /).reduce<Size>((sum, term) => {
    const negative = term.startsWith('-');
    const [first = '', ...more] = factorsOf(negative ? term.slice(1) : term);
    const number = /^\d+$/.test(first) ? Number(first) : undefined;
    const key = (number === undefined ? [first, ...more] : more).join('*');
    const factor = (negative ? -1 : 1) * (number ?? 1);
    return plus(sum, key === '' ? factor : { constant: 0, terms: { [key]: factor } });
  }, 0);
}

/** A sum as text, terms by name. */
function written(constant: number, terms: readonly (readonly [string, number])[]): string {
  const magnitude = ([key, factor]: readonly [string, number]): string =>
    Math.abs(factor) === 1 ? key : `${Math.abs(factor)}*${key}`;
  const parts = terms.map((term) => ({ negative: term[1] < 0, text: magnitude(term) }));
  if (constant !== 0 || parts.length === 0) parts.push({ negative: constant < 0, text: String(Math.abs(constant)) });
  return parts
    .map(({ negative, text }, i) => (i === 0 ? (negative ? `-${text}` : text) : `${negative ? ' - ' : ' + '}${text}`))
    .join('');
}

const byKey = ([a]: readonly [string, number], [b]: readonly [string, number]): number => (a < b ? -1 : 1);

/** A size as part of a key. A dim with a step stays `4*name/4`, which {@link sizeText} writes as `name`. */
function textOf(size: Size): string {
  return written(constantOf(size), Object.entries(termsOf(size)).sort(byKey));
}

/** `2*batch + 1`, `floor((height + 1)/2)`: the way a dynamic dim is printed and named in ONNX. */
export function sizeText(size: Size): string {
  if (isStatic(size)) return String(size);
  const terms = Object.entries(size.terms).map(([key, factor]): [string, number] => {
    let left = factor;
    const factors = factorsOf(key).map((text) => {
      const one = factorOf(text);
      if ('whole' in one) return `floor(${grouped(sizeText(one.whole))}/${one.by})`;
      if ('greater' in one) return `max(${one.greater.map(sizeText).join(', ')})`;
      const common = gcd(left, one.step);
      left /= common;
      return one.step === common ? one.name : `floor(${one.name}/${one.step / common})`;
    });
    return [factors.sort().join('*'), left];
  });
  // Negative terms last: `height - 1`, not `-1 + height`.
  return written(
    size.constant,
    terms.sort((a, b) => Number(a[1] < 0) - Number(b[1] < 0) || byKey(a, b)),
  );
}

/** Evaluates `size` for these dims; undefined if one is missing or not a multiple of its step. */
export function evaluateSize(size: Size, sizes: Readonly<Record<string, number>>): number | undefined {
  if (isStatic(size)) return size;
  let sum = size.constant;
  for (const [key, factor] of Object.entries(size.terms)) {
    let value = factor;
    for (const text of factorsOf(key)) {
      const number = evaluateFactor(factorOf(text), sizes);
      if (number === undefined) return undefined;
      value *= number;
    }
    sum += value;
  }
  return sum;
}

function evaluateFactor(factor: Factor, sizes: Readonly<Record<string, number>>): number | undefined {
  if ('whole' in factor) {
    const inner = evaluateSize(factor.whole, sizes);
    return inner === undefined ? undefined : Math.floor(inner / factor.by);
  }
  if ('greater' in factor) {
    const [a, b] = factor.greater.map((one) => evaluateSize(one, sizes));
    return a === undefined || b === undefined ? undefined : Math.max(a, b);
  }
  const size = Object.hasOwn(sizes, factor.name) ? sizes[factor.name] : undefined;
  return size === undefined || size % factor.step !== 0 ? undefined : size / factor.step;
}

/** The names of the dims that a size depends on. */
export function namesOf(size: Size): string[] {
  const one = (text: string): string[] => {
    const factor = factorOf(text);
    return 'whole' in factor
      ? namesOf(factor.whole)
      : 'greater' in factor
        ? factor.greater.flatMap(namesOf)
        : [factor.name];
  };
  return [...new Set(Object.keys(termsOf(size)).flatMap((key) => factorsOf(key).flatMap(one)))];
}

/** A number computed from sizes, `scale · of(above / below)`; for example 1 / √(height · width). */
export interface Measure {
  scale: number;
  of: 'quotient' | 'root' | 'logarithm';
  above: Size;
  below: Size;
}

/** The function that a measure applies to its quotient. */
export const MEASURES: Readonly<Record<Measure['of'], (quotient: number) => number>> = {
  quotient: (x) => x,
  root: Math.sqrt,
  logarithm: Math.log,
};

/** Whether an attribute's value is a measure. */
export function isMeasure(value: unknown): value is Measure {
  return typeof value === 'object' && value !== null && 'above' in value && 'below' in value;
}
