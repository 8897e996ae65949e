// File names of the pictures of one call, by their numbers.

/** `0007.png` for picture 7 of `count`: at least four digits, the same number for all, so that names sort by number. */
export function pictureName(index: number, count: number, extension = 'png'): string {
  return `${String(index).padStart(Math.max(4, String(count - 1).length), '0')}.${extension}`;
}
