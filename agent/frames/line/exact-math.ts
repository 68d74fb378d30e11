// Elementary functions built from + - * / and sqrt alone, so that every engine and CPU gives the same bits.
// Math.sin, exp, pow and atan2 are only "implementation-approximated" by the language and must not be used in this room.

const HALF_PI = Math.PI / 2;

export const clamp01 = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value);

/** 0 at `from`, 1 at `to`, smooth between; `from` may be the larger one. */
export function smoothStep(from: number, to: number, value: number): number {
  const t = clamp01((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

/** Error below 1e-9 for the angles drawn here (|angle| < 100 rad). */
export function sine(angle: number): number {
  const quarter = Math.round(angle / HALF_PI);
  const rest = angle - quarter * HALF_PI;
  const phase = quarter & 3;
  const value = phase & 1 ? cosineNearZero(rest) : sineNearZero(rest);
  return phase & 2 ? -value : value;
}

export const cosine = (angle: number): number => sine(angle + HALF_PI);

/** e^x for x <= 0; relative error below 1e-8, and 0 below e^-40. */
export function exponential(x: number): number {
  if (x < -40) return 0;
  const halvings = Math.round(-x / Math.LN2);
  const r = x + halvings * Math.LN2;
  const series = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r / 5040))))));
  // 1 << 30 is the last positive 32-bit power of two; two steps cover [-40, 0].
  return halvings <= 30 ? series / (1 << halvings) : series / (1 << 30) / (1 << (halvings - 30));
}

/** `base` (> 0) to the power `exponent`. Slow: for tables, not for pixels. */
export function power(base: number, exponent: number): number {
  const x = exponent * logarithm(base);
  return x <= 0 ? exponential(x) : 1 / exponential(-x);
}

/** Angle of (x, y) in (-π, π]; error below 1e-5 rad, enough for textures. */
export function angleOf(y: number, x: number): number {
  const ax = x < 0 ? -x : x;
  const ay = y < 0 ? -y : y;
  if (ax + ay === 0) return 0;
  const steep = ay > ax;
  const z = steep ? ax / ay : ay / ax;
  const zz = z * z;
  const octant = z * (0.999866 + zz * (-0.3302995 + zz * (0.180141 + zz * (-0.085133 + zz * 0.0208351))));
  const quadrant = steep ? HALF_PI - octant : octant;
  const half = x < 0 ? Math.PI - quadrant : quadrant;
  return y < 0 ? -half : half;
}

function sineNearZero(x: number): number {
  const xx = x * x;
  return x * (1 - (xx / 6) * (1 - (xx / 20) * (1 - (xx / 42) * (1 - (xx / 72) * (1 - xx / 110)))));
}

function cosineNearZero(x: number): number {
  const xx = x * x;
  return 1 - (xx / 2) * (1 - (xx / 12) * (1 - (xx / 30) * (1 - (xx / 56) * (1 - (xx / 90) * (1 - xx / 132)))));
}

function logarithm(value: number): number {
  let mantissa = value;
  let twos = 0;
  while (mantissa < 0.7) {
    mantissa *= 2;
    twos--;
  }
  while (mantissa > 1.4) {
    mantissa /= 2;
    twos++;
  }
  const z = (mantissa - 1) / (mantissa + 1);
  const zz = z * z;
  return twos * Math.LN2 + 2 * z * (1 + zz * (1 / 3 + zz * (1 / 5 + zz * (1 / 7 + zz * (1 / 9 + zz / 11)))));
}
