// Quotes words of command lines that users paste into their shell.

/** A word, quoted if the shell requires it: a POSIX shell, or on Windows cmd and PowerShell. */
export function shellWord(word: string, windows: boolean = process.platform === 'win32'): string {
  if (/^[\w@%+=:,./-]+$/.test(word) && !(windows && word.includes('%'))) return word;
  if (windows) return /^[\w@+=:,./\\-]+$/.test(word) ? word : `"${word}"`; // paths on Windows cannot contain quotes
  return `'${word.replaceAll("'", "'\\''")}'`;
}
