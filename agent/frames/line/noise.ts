// Value noise in [-1, 1] on an integer lattice; grids hold the lattice of one area so that pixels only interpolate.

export type NoiseGrid = {
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly values: Float64Array;
};

/** Half-open would lose the last cell's far corner, so bounds are lattice coordinates that will be sampled, inclusive. */
export type NoiseArea = {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
};

/** `period` (in cells, along x) makes the noise repeat: for seamless loops. */
export function createNoiseGrid(seed: number, area: NoiseArea, period: number | null = null): NoiseGrid {
  const left = Math.floor(area.left);
  const top = Math.floor(area.top);
  const columns = Math.floor(area.right) + 2 - left;
  const rows = Math.floor(area.bottom) + 2 - top;
  const values = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = period === null ? left + column : wrap(left + column, period);
      values[row * columns + column] = lattice(seed, x, top + row);
    }
  }
  return { left, top, columns, values };
}

/** Smoothly interpolated noise; (x, y) must lie inside the grid's area. */
export function sampleNoise(grid: NoiseGrid, x: number, y: number): number {
  const { values, columns } = grid;
  const column = Math.floor(x);
  const row = Math.floor(y);
  const fx = x - column;
  const fy = y - row;
  const u = fx * fx * (3 - 2 * fx);
  const v = fy * fy * (3 - 2 * fy);
  const index = (row - grid.top) * columns + column - grid.left;
  const above = values[index]! + (values[index + 1]! - values[index]!) * u;
  const below = values[index + columns]! + (values[index + columns + 1]! - values[index + columns]!) * u;
  return above + (below - above) * v;
}

/** The same noise at many x of one y at a time: returns one row, reused by the next call. */
export function createNoiseRows(grid: NoiseGrid, xs: Float64Array): (y: number) => Float64Array {
  const { values, columns } = grid;
  const cells = Int32Array.from(xs, (x) => Math.floor(x) - grid.left);
  const weights = Float64Array.from(xs, (x) => smooth(x - Math.floor(x)));
  const lines = new Float64Array(columns);
  const out = new Float64Array(xs.length);
  return (y) => {
    const row = Math.floor(y);
    const v = smooth(y - row);
    const start = (row - grid.top) * columns;
    for (let i = 0; i < columns; i++) {
      lines[i] = values[start + i]! + (values[start + columns + i]! - values[start + i]!) * v;
    }
    for (let i = 0; i < out.length; i++) {
      const cell = cells[i]!;
      out[i] = lines[cell]! + (lines[cell + 1]! - lines[cell]!) * weights[i]!;
    }
    return out;
  };
}

/** The same noise at one point, without a grid: for few samples. */
export function noiseAt(seed: number, x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const fx = x - column;
  const fy = y - row;
  const u = fx * fx * (3 - 2 * fx);
  const v = fy * fy * (3 - 2 * fy);
  const a = lattice(seed, column, row);
  const c = lattice(seed, column, row + 1);
  const above = a + (lattice(seed, column + 1, row) - a) * u;
  const below = c + (lattice(seed, column + 1, row + 1) - c) * u;
  return above + (below - above) * v;
}

const smooth = (t: number): number => t * t * (3 - 2 * t);

export function wrap(value: number, period: number): number {
  const rest = value % period;
  return rest < 0 ? rest + period : rest;
}

function lattice(seed: number, x: number, y: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  return h / 2147483648;
}
