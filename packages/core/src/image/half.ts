// IEEE 754 half precision, which the engines we support cannot all read or write.

/** The number of a float16 bit pattern. */
export function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : Infinity) : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** The nearest float16's bit pattern, ties to even; beyond 65504 + 16 infinity. */
export function numberToHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (Number.isNaN(x)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // In units of the last place of its binade the number is rounded to an integer; adding 2⁵² does that to even.
  let exponent = -14;
  while (exponent < 15 && size >= 2 ** (exponent + 1)) exponent++;
  const units = size * 2 ** (10 - exponent) + 2 ** 52 - 2 ** 52;
  return sign | (units < 1024 ? units : ((exponent + 14) << 10) + units); // a carry into the next binade adds up
}
