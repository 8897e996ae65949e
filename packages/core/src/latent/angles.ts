// sin and acos from +, −, ×, ÷ and sqrt alone, with fdlibm's polynomials: see arithmetic.ts for why. Only walks need
// them.

const PI_HIGH = 3.141592653589793116;
const PI_LOW = 1.2246467991473531772e-16;

/** Sine of an angle in 0..π. fdlibm k_sin.c and k_cos.c after reduction to ±π/4. */
export function sinOfAngle(angle: number): number {
  const x = angle > PI_HIGH / 2 ? PI_HIGH - angle + PI_LOW : angle;
  if (x <= PI_HIGH / 4) {
    const z = x * x;
    const r =
      8.33333333332248946124e-3 +
      z *
        (-1.98412698298579493134e-4 +
          z * (2.75573137070700676789e-6 + z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)));
    return x + z * x * (-1.66666666666666324348e-1 + z * r);
  }
  const y = PI_HIGH / 2 - x + PI_LOW / 2;
  const z = y * y;
  const r =
    z *
    (4.16666666666666019037e-2 +
      z *
        (-1.38888888888741095749e-3 +
          z *
            (2.48015872894767294178e-5 +
              z * (-2.75573143513906633035e-7 + z * (2.0875723212981748279e-9 + z * -1.13596475577881948265e-11)))));
  return 1 - (0.5 * z - z * r);
}

/** Angle in 0..π whose cosine is `x` in −1..1. fdlibm e_acos.c. */
export function angleOfCosine(x: number): number {
  if (x < -0.5) {
    const z = (1 + x) * 0.5;
    const s = Math.sqrt(z);
    return PI_HIGH - 2 * (s + (acosRatio(z) * s - PI_LOW / 2));
  }
  if (x <= 0.5) return PI_HIGH / 2 - (x - (PI_LOW / 2 - x * acosRatio(x * x)));
  const z = (1 - x) * 0.5;
  const s = Math.sqrt(z);
  return 2 * (s + acosRatio(z) * s);
}

function acosRatio(z: number): number {
  const p =
    z *
    (1.66666666666666657415e-1 +
      z *
        (-3.25565818622400915405e-1 +
          z *
            (2.01212532134862925881e-1 +
              z * (-4.00555345006794114027e-2 + z * (7.91534994289814532176e-4 + z * 3.4793310759602116757e-5)))));
  const q =
    1 +
    z *
      (-2.40339491173441421878 +
        z * (2.02094576023350569471 + z * (-6.8828397160545329303e-1 + z * 7.70381505559019352791e-2)));
  return p / q;
}
