// The state of the page in the address after `#`, so that a picture can be linked: `g` is the generator, other names
// belong to its view.

/** The state, by name. */
export type State = Readonly<Record<string, string>>;

/** The state in an address's hash, `#g=clothes&seed=7`. */
export function stateOf(hash: string): State {
  return Object.fromEntries(new URLSearchParams(hash.replace(/^#/, '')));
}

/** The hash of a state, without empty values. */
export function hashOf(state: State): string {
  return `#${String(new URLSearchParams(Object.entries(state).filter(([, value]) => value !== '')))}`;
}
