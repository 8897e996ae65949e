// Unique readable names: the first user of a name gets it unchanged, later ones with `_1`, `_2`, ...

/** Names in use. */
export class Names {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  /** Whether `name` is in use. */
  has(name: string): boolean {
    return this.#taken.has(name);
  }

  /** Reserves `name`. */
  take(name: string): void {
    this.#taken.add(name);
  }

  /** Releases `name`. */
  free(name: string): void {
    this.#taken.delete(name);
  }

  /** `base`, else `base_1`, `base_2`, ...: the first that is free. */
  unique(base: string): string {
    let name = base;
    let count = this.#next.get(base) ?? 0;
    while (this.#taken.has(name)) name = `${base}_${++count}`;
    this.#next.set(base, count);
    this.#taken.add(name);
    return name;
  }
}
