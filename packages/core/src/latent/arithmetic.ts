// The natural logarithm, computed with +, −, × and ÷ only; sin and acos, which also use √, are in angles.ts. ECMAScript
// specifies these operations exactly (IEEE 754), but leaves Math.log, Math.sin and Math.acos to the engine: V8,
// SpiderMonkey and JavaScriptCore differ in the last bit. The polynomials are fdlibm's (Sun Microsystems, 1993), below
// 1 ulp of error.

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;

/**
 * Natural logarithm of n·2^−shift for an integer n in 1..2³²−1. fdlibm e_log.c. The shift is not a separate term (log n
 * − shift·log 2), which would lose digits for a quotient near 1.
 */
export function logOfInteger(n: number, shift = 0): number {
  const top = 31 - Math.clz32(n);
  let mantissa = n / (top === 31 ? 2147483648 : 1 << top); // exact
  let exponent = top - shift;
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent++;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const odd = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const even =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const half = 0.5 * f * f;
  return exponent * LN2_HIGH - (half - (s * (half + (even + odd)) + exponent * LN2_LOW) - f);
}
