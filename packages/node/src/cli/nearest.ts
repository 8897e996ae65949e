// The name that a mistyped one was meant to be.
import { distance } from 'fastest-levenshtein';

/** `; did you mean 'x'?` for the known name that is nearest, where one is near enough; else ''. */
export function nearest(name: string, known: readonly string[]): string {
  const near = (other: string): number => distance(name.toLowerCase(), other.toLowerCase());
  const best = [...known].sort((a, b) => near(a) - near(b))[0];
  const enough = Math.max(1, Math.ceil(name.length / 3));
  return best !== undefined && near(best) <= enough ? `; did you mean '${best}'?` : '';
}
