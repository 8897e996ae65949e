// A call's attributes as text, for comparisons.

/**
 * Attributes as text that, unlike JSON, distinguishes infinities, NaN and -0. Absent, undefined and null attributes are
 * the same.
 */
export function attributeKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(attributeKey).join()}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .filter(([, v]) => v !== undefined && v !== null)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([k, v]) => `${k}:${attributeKey(v)}`)
      .join()}}`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : Object.is(value, -0) ? '-0' : String(value);
}
