// Seeded junk pictures for the judge's test, independent of junk.py, with which the judge was trained. All are float32
// [count, 1, 28, 28] in [-1, 1]; `digits` are such pictures, `labels` their classes.
const SIDE = 28;
const SIZE = SIDE * SIDE;

/** mulberry32: uniform numbers in [0, 1). */
function uniforms(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const clamp = (v) => Math.max(-1, Math.min(1, v));

function blur(picture, sigma) {
  const radius = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const total = kernel.reduce((a, b) => a + b, 0);
  const along = (source, at) => {
    const out = new Float32Array(SIZE);
    for (let a = 0; a < SIDE; a++)
      for (let b = 0; b < SIDE; b++) {
        let sum = 0;
        for (let k = -radius; k <= radius; k++)
          sum += kernel[k + radius] * source[at(a, Math.max(0, Math.min(SIDE - 1, b + k)))];
        out[at(a, b)] = sum / total;
      }
    return out;
  };
  return along(
    along(picture, (row, column) => row * SIDE + column),
    (column, row) => row * SIDE + column,
  );
}

function shuffled(length, next) {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const families = {
  noise: (_digit, _other, next) => {
    const gaussian = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const scale = 0.1 + next();
    const offset = 2 * next() - 1;
    const plain = Float32Array.from({ length: SIZE }, () => clamp(scale * gaussian() + offset));
    const sigma = next() * 3;
    if (sigma < 1) return plain;
    const soft = blur(Float32Array.from({ length: SIZE }, gaussian), sigma);
    return soft.map((v) => clamp(v * sigma * 3 * scale + offset));
  },
  blurred: (digit, _other, next) => blur(digit, 2.2 + 2.8 * next()),
  rowShuffled: (digit, _other, next) => {
    const order = shuffled(SIDE, next);
    return digit.map((_, i) => digit[order[Math.floor(i / SIDE)] * SIDE + (i % SIDE)]);
  },
  blended: (digit, other, next) => {
    const weight = 0.35 + 0.3 * next();
    return digit.map((v, i) => weight * v + (1 - weight) * other[i]);
  },
};

/**
 * { noise, blurred, rowShuffled, blended }: `count` pictures of each kind. Blends are of two digits of different
 * classes.
 */
export function makeJunk(seed, count, digits, labels) {
  const next = uniforms(seed);
  const picture = (i) => digits.subarray(i * SIZE, (i + 1) * SIZE);
  return Object.fromEntries(
    Object.entries(families).map(([name, make]) => {
      const out = new Float32Array(count * SIZE);
      for (let i = 0; i < count; i++) {
        const a = Math.floor(next() * labels.length);
        let b = a;
        while (labels[b] === labels[a]) b = Math.floor(next() * labels.length);
        out.set(make(picture(a), picture(b), next), i * SIZE);
      }
      return [name, out];
    }),
  );
}
