// File names of the pictures of one call, by their numbers.

/**
 * `0007.png` for picture 7 of `count`. All names have the same number of digits, at least four, so that sorting the
 * names also sorts by number.
 */
export function pictureName(index: number, count: number, extension = 'png'): string {
  return `${String(index).padStart(Math.max(4, String(count - 1).length), '0')}.${extension}`;
}
