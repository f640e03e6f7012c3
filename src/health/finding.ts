/** What a check has found, in words for people. Plain data: the same in run.json, in the terminal and on the page. */

/** good: as it should be; note: good to know; warn: look at it; bad: what comes of this is not to be trusted. */
export type Level = "good" | "note" | "warn" | "bad";

export interface Finding {
  /** A short name for scripts: "step-size". */
  readonly id: string;
  readonly level: Level;
  /** What was found, in a few words. */
  readonly title: string;
  /** The measurement it rests on, and why it matters. */
  readonly evidence: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** What a run comes to. suspicious: usable, with something to look at; collapsed: the files are right, the answers are not. */
export type Verdict = "healthy" | "suspicious" | "collapsed" | "broken";
