/** What the launcher says goes to stderr, so that a command's own output stays clean on stdout. */

/** @param {string} text */
export const say = (text) => void process.stderr.write(`lorikeet: ${text}\n`);

/**
 * Something a person can act on: printed without a stack.
 */
export class LaunchError extends Error {
  /**
   * @param {string} message
   * @param {string} [hint] what to do
   */
  constructor(message, hint) {
    super(message);
    this.name = "LaunchError";
    this.hint = hint;
  }
}

/** @param {number} since as of performance.now() */
export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
