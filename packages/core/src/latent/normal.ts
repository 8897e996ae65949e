// Converts random words to standard normals and uniforms, one number per word, with the same bits in every engine.
import { logOfInteger } from './arithmetic.js';

/**
 * The standard normal whose distribution function is (word + ½)·2⁻³², for an unsigned 32-bit `word`: Wichura's
 * algorithm AS241, PPND16 (Applied Statistics 37, 1988), relative error about 1e-16. Within ±1.44, it is computed with
 * a quotient of polynomials; outside, with another one in √(−ln p), using the logarithm of `arithmetic.ts`. Only +, −,
 * ×, ÷ and sqrt are used, which ECMAScript rounds exactly, so all engines give the same bits. Antisymmetric: word and
 * ~word give ±z. |z| ≤ 6.338.
 */
export function normalOfWord(word: number): number {
  const q = (word + 0.5) * 2 ** -32 - 0.5; // exact: 33 bits
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    const above =
      ((((((r * 2509.0809287301226727 + 33430.575583588128105) * r + 67265.770927008700853) * r +
        45921.953931549871457) *
        r +
        13731.693765509461125) *
        r +
        1971.5909503065514427) *
        r +
        133.14166789178437745) *
        r +
      3.387132872796366608;
    const below =
      ((((((r * 5226.495278852545925 + 28729.085735721942674) * r + 39307.89580009271061) * r + 21213.794301586595867) *
        r +
        5394.1960214247511077) *
        r +
        687.1870074920579083) *
        r +
        42.313330701600911252) *
        r +
      1;
    return (q * above) / below;
  }
  // The probability p of the nearer tail, times 2³³: an odd integer below 2³⁰.
  const tail = q < 0 ? word * 2 + 1 : (0xffffffff - word) * 2 + 1;
  const t = Math.sqrt(-logOfInteger(tail, 33));
  const z = nearTail(t - 1.6);
  return q < 0 ? -z : z;
}

/** For √(−ln p) up to 5. The smallest p, 2⁻³³, gives 4.783, so the far tail of AS241 is never needed. */
function nearTail(r: number): number {
  const above =
    ((((((r * 7.7454501427834140764e-4 + 0.0227238449892691845833) * r + 0.24178072517745061177) * r +
      1.27045825245236838258) *
      r +
      3.64784832476320460504) *
      r +
      5.7694972214606914055) *
      r +
      4.6303378461565452959) *
      r +
    1.42343711074968357734;
  const below =
    ((((((r * 1.05075007164441684324e-9 + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r +
      0.14810397642748007459) *
      r +
      0.68976733498510000455) *
      r +
      1.6763848301838038494) *
      r +
      2.05319162663775882187) *
      r +
    1;
  return above / below;
}

/**
 * A uniform in [0, 1): the upper 24 bits of an unsigned 32-bit `word`, so that float32 holds it exactly and rounding
 * cannot give 1.
 */
export function uniformOfWord(word: number): number {
  return (word >>> 8) * 2 ** -24;
}
