// The state of the page in the part of the address after `#`, so that a link is a picture: `g` is the generator, the
// other names belong to its view.

/** What the address says. */
export type State = Readonly<Record<string, string>>;

/** The state in an address's hash, `#g=clothes&seed=7`. */
export function stateOf(hash: string): State {
  return Object.fromEntries(new URLSearchParams(hash.replace(/^#/, '')));
}

/** The hash of a state. Values that are empty are left out. */
export function hashOf(state: State): string {
  return `#${String(new URLSearchParams(Object.entries(state).filter(([, value]) => value !== '')))}`;
}
