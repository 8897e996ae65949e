// Words of a command line that people paste into their shell.

/** A word as it is where a shell takes it so, else quoted: for a POSIX shell, or on Windows for cmd and PowerShell. */
export function shellWord(word: string, windows: boolean = process.platform === 'win32'): string {
  if (/^[\w@%+=:,./-]+$/.test(word) && !(windows && word.includes('%'))) return word;
  if (windows) return /^[\w@+=:,./\\-]+$/.test(word) ? word : `"${word}"`; // a path there has no quotes
  return `'${word.replaceAll("'", "'\\''")}'`;
}
