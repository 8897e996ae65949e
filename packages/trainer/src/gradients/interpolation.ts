// The matrix of a one-dimensional resize: row i holds the weights of the source cells that tfjs's ResizeBilinear or
// ResizeNearestNeighbor mixes into cell i.

/** One axis of a resize. */
export interface Interpolation {
  method: 'nearest' | 'bilinear';
  from: number;
  to: number;
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

/** The matrix, row-major, of shape `[to, from]`. */
export function interpolationMatrix({ method, from, to, alignCorners, halfPixelCenters }: Interpolation): Float32Array {
  const matrix = new Float32Array(to * from);
  const aligned = alignCorners && to > 1;
  const ratio = (aligned ? from - 1 : from) / (aligned ? to - 1 : to);
  const put = (row: number, column: number, weight: number): void => {
    const at = row * from + Math.min(from - 1, Math.max(0, column));
    matrix[at] = (matrix[at] ?? 0) + weight;
  };
  for (let i = 0; i < to; i++) {
    const center = halfPixelCenters ? ratio * (i + 0.5) : ratio * i;
    if (method === 'nearest') {
      put(i, alignCorners ? Math.round(center) : Math.floor(center), 1);
      continue;
    }
    const at = halfPixelCenters ? center - 0.5 : center;
    const floor = Math.floor(at);
    put(i, floor, 1 - (at - floor));
    if (at !== floor) put(i, floor + 1, at - floor);
  }
  return matrix;
}
