/** Command lines to copy: as Lorikeet was started, quoted for a POSIX shell. */

/** From a clone through npm, or installed. */
const program = () => (process.env.npm_lifecycle_event ? "npm run lorikeet --" : "lorikeet");

/** `lorikeet` with these words. */
export const commandLine = (words: readonly string[]): string => `${program()} ${shellWords(words)}`;

/** A command line of any program. */
export const shellWords = (words: readonly string[]): string => words.map(quote).join(" ");

/** Double quotes where they need no escapes, because they read better around an apostrophe. */
function quote(word: string): string {
  if (/^[\w./:@+,-]+$/.test(word)) return word;
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}
