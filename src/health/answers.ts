/** Whether answers of a model are still language: judged by their tokens, beside what the untouched base said. Pure. */

/** A greedy answer to a probe. */
export interface Answer {
  /** The new ids, the one that ended the answer included. */
  readonly ids: readonly number[];
  readonly text: string;
  /** False when it was cut off at its longest length. */
  readonly ended: boolean;
}

export type AnswerVerdict = "healthy" | "suspicious" | "collapsed";

export interface Symptom {
  readonly kind: string;
  readonly level: Exclude<AnswerVerdict, "healthy">;
  /** For people, with the number it rests on. */
  readonly text: string;
}

export interface AnswerHealth {
  readonly verdict: AnswerVerdict;
  readonly symptoms: readonly Symptom[];
}
