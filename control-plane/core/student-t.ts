// Student's t: the quantiles that turn a standard error into a plausible range. Regularised incomplete beta by continued fraction.

/** The p-quantile (0 < p < 1) of Student's t with `df` > 0 degrees of freedom, to about 1e-9. */
export function tQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1) || !(df > 0)) throw new RangeError(`no t quantile for p = ${p}, df = ${df}`);
  if (p === 0.5) return 0;
  if (p < 0.5) return -tQuantile(1 - p, df);
  let low = 0;
  let high = 1;
  while (tCdf(high, df) < p && high < 1e12) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-10 * high; step += 1) {
    const middle = (low + high) / 2;
    if (tCdf(middle, df) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export function tCdf(t: number, df: number): number {
  const tail = tTail(Math.abs(t), df);
  return t >= 0 ? 1 - tail : tail;
}

/** The t that is exceeded with probability `tail` (0 < tail < 0.5): exact where 1 - tail can no longer be told from 1. */
export function tQuantileOfTail(tail: number, df: number): number {
  if (!(tail > 0 && tail < 0.5) || !(df > 0)) throw new RangeError(`no t quantile for a tail of ${tail}, df = ${df}`);
  const scale = betaScale(df / 2, 0.5);
  let low = 0;
  let high = 1;
  while (tTail(high, df, scale) > tail && high < T_MAX) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-10 * high; step += 1) {
    const middle = (low + high) / 2;
    if (tTail(middle, df, scale) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Chance that a standard normal value exceeds z ≥ 0. */
export function normalTail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z >= 2) {
    let fraction = z;
    for (let term = 200; term >= 1; term -= 1) fraction = z + term / fraction;
    return density / fraction;
  }
  let [power, sum] = [z, z];
  for (let odd = 3; odd < 120; odd += 2) {
    power *= (z * z) / odd;
    sum += power;
  }
  return 0.5 - density * sum;
}

const T_MAX = 1e12;

function tTail(t: number, df: number, scale: number = betaScale(df / 2, 0.5)): number {
  return 0.5 * incompleteBeta(df / (df + t * t), { a: df / 2, b: 0.5, scale });
}

/** Of the beta function, which a search for a quantile needs at each step. */
function betaScale(a: number, b: number): number {
  return logGamma(a + b) - logGamma(a) - logGamma(b);
}

type Beta = { readonly a: number; readonly b: number; readonly scale: number };

function incompleteBeta(x: number, { a, b, scale }: Beta): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(scale + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast on its own side of the mean only.
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** Lentz's method; 300 terms are far more than any df here needs. */
function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / guarded(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 300; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guarded(1 + even * d);
    c = guarded(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guarded(1 + odd * d);
    c = guarded(1 + odd / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-13) return fraction;
  }
  return fraction;
}

const TINY = 1e-300;

function guarded(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** Lanczos (g = 7, 9 terms), relative error below 1e-14. */
function logGamma(x: number): number {
  const terms = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const z = x - 1;
  const sum = terms.reduce((total, term, i) => total + term / (z + i + 1), 0.9999999999998099);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}
