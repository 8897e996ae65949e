// A classifier ("judge") that is independent of Forja: ridge regression from pixels and colour counts to classes.

/** Levels per channel of the counted colours. */
const LEVELS = 6;

/**
 * Features of a picture of bytes: the means of grid × grid areas in [-1, 1]; for the upper and the lower half, the root
 * of each colour's count among these areas; and the constant 1.
 */
export function featuresOf({ width, channels, data }, grid) {
  const by = width / grid;
  const pixels = grid * grid * channels;
  const made = new Float64Array(pixels + 2 * LEVELS ** channels + 1);
  for (let y = 0; y < grid; y++)
    for (let x = 0; x < grid; x++) {
      let bin = 0;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0; i < by * by; i++)
          sum += data[((y * by + Math.floor(i / by)) * width + x * by + (i % by)) * channels + c];
        const value = sum / by ** 2;
        made[(y * grid + x) * channels + c] = value / 127.5 - 1;
        bin = bin * LEVELS + Math.min(LEVELS - 1, Math.floor((value * LEVELS) / 256));
      }
      made[pixels + (y < grid / 2 ? 0 : LEVELS ** channels) + bin]++;
    }
  return made.map((v, i) => (i < pixels ? v : i === made.length - 1 ? 1 : Math.sqrt(v)));
}

/**
 * Fits a judge, which maps features to a score per class of each question. `features` has one row per picture;
 * `answers[r][q]` is the class of picture r for question q; `classes[q]` is the number of classes. Least squares on
 * one-hot targets, solved by Cholesky decomposition.
 */
export function ridge(features, answers, classes, lambda = 3) {
  const used = [...features[0].keys()].filter((i) => features.some((row) => row[i] !== 0));
  const x = features.map((row) => Float64Array.from(used, (i) => row[i]));
  const n = used.length;
  const lower = Array.from({ length: n }, () => new Float64Array(n));
  for (const row of x)
    for (let i = 0; i < n; i++) {
      const [v, into] = [row[i], lower[i]];
      if (v !== 0) for (let j = 0; j <= i; j++) into[j] += v * row[j];
    }
  for (let i = 0; i < n; i++) {
    lower[i][i] += lambda;
    for (let j = 0; j <= i; j++) {
      let sum = lower[i][j];
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
      lower[i][j] = i === j ? Math.sqrt(sum) : sum / lower[j][j];
    }
  }
  const solved = (b) => {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) b[i] -= lower[i][k] * b[k];
      b[i] /= lower[i][i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) b[i] -= lower[k][i] * b[k];
      b[i] /= lower[i][i];
    }
    return b;
  };
  const weights = classes.map((count, question) =>
    Array.from({ length: count }, (_, c) => {
      const b = new Float64Array(n);
      x.forEach((row, r) => {
        if (answers[r][question] === c) for (let i = 0; i < n; i++) b[i] += row[i];
      });
      return solved(b);
    }),
  );
  return (picture) => weights.map((rows) => rows.map((w) => used.reduce((sum, at, i) => sum + w[i] * picture[at], 0)));
}

/** Index of the highest score. */
export const highest = (scores) => scores.indexOf(Math.max(...scores));
