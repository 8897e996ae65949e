// Types of uplot.mjs.
export function uplotModule(): string;
