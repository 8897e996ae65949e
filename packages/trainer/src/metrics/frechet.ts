// Fréchet distance of two Gaussians fitted to features (Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update
// Rule Converge to a Local Nash Equilibrium", equation 6): |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½).
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { checkAlike, covarianceOf, meanOf, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/**
 * The distance, ≥ 0. The trace of the root is computed from (Σ₁^½ Σ₂ Σ₁^½)^½, which has the same eigenvalues and is
 * symmetric, so they are real. Biased: it falls with the number of examples, so compare equal counts only.
 */
export function frechetDistance(a: Rows, b: Rows): number {
  checkAlike('frechet', a, b, 2);
  const { columns } = a;
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  const [first, second] = [covarianceOf(a, meanA), covarianceOf(b, meanB)];
  let distance = 0;
  for (let k = 0; k < columns; k++) {
    const at = k * columns + k;
    distance += (meanA[k]! - meanB[k]!) ** 2 + first[at]! + second[at]!;
  }
  const root = rootOf(matrix(first, columns));
  const product = root.mmul(matrix(second, columns)).mmul(root);
  const trace = eigenvalues(symmetric(product)).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  return Math.max(0, distance - 2 * trace);
}

const matrix = (data: Float64Array, size: number): Matrix => Matrix.from1DArray(size, size, data);

/** (M + Mᵀ)/2: removes asymmetry due to rounding. */
const symmetric = (m: Matrix): Matrix => Matrix.add(m, m.transpose()).mul(0.5);

function eigenvalues(m: Matrix): { values: number[]; vectors: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(m, { assumeSymmetric: true });
  return { values: realEigenvalues, vectors: eigenvectorMatrix };
}

/** The symmetric root of a positive semidefinite matrix; eigenvalues that rounding made negative count as 0. */
function rootOf(m: Matrix): Matrix {
  const { values, vectors } = eigenvalues(m);
  const scaled = vectors.clone().mulRowVector(values.map((value) => Math.sqrt(Math.max(0, value))));
  return scaled.mmul(vectors.transpose());
}

/** The measure. */
export const frechetMetric: Metric = {
  name: 'frechet',
  summary: 'Fréchet distance of features',
  scores: { frechet: 'less' },
  measure: async ({ made, real }) => ({ frechet: frechetDistance(await made.features(), await real.features()) }),
};
