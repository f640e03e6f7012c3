/** Questions in the Check card: the answers of base and adapter made beside each other, told as they grow. */
import { configError, modelError } from "../../core/errors.ts";
import { type AnswerOptions, answer } from "../../train/answer.ts";
import type { TrainingSession } from "../../train/session.ts";
import type { Context } from "../context.ts";
import type { Question, Side } from "../protocol.ts";

/** Milliseconds between two words about one answer. */
const TELL_EVERY = 80;

export class AnswerDesk {
  private readonly context: Context;
  private stopping: AbortController | null = null;

  constructor(context: Context) {
    this.context = context;
  }

  get busy(): boolean {
    return this.stopping !== null;
  }

  /** Resolves when every side has its answer, or was stopped. One question at a time. */
  async ask(session: TrainingSession, question: Question): Promise<void> {
    if (this.stopping) throw configError("a question is being answered already", "Stop that answer first.");
    const stop = new AbortController();
    this.stopping = stop;
    try {
      const sides = question.sides.map((side) => this.begin(session, question, side, stop.signal));
      // In turn, a piece of each, so that one sees them grow side by side.
      while (sides.some(({ done }) => !done())) for (const side of sides) await side.next();
    } finally {
      this.stopping = null;
    }
  }

  stop(): void {
    this.stopping?.abort();
  }

  private begin(session: TrainingSession, question: Question, side: Side, signal: AbortSignal) {
    const { id, messages, maxTokens, temperature, seed } = question;
    // Else the base would speak under the adapter's name.
    if (side === "tuned" && !session.adapted)
      throw modelError("no adapter is on the model", "Load the model again, or open the run.");
    const options: AnswerOptions = { maxTokens, temperature, seed, base: side === "base", signal };
    const pieces = answer(session, messages, options);
    let [text, told, done] = ["", Number.NEGATIVE_INFINITY, false];
    const tell = (ended: boolean | null) => {
      if (ended === null && performance.now() - told < TELL_EVERY) return;
      told = performance.now();
      this.context.publish({ type: "answer", answer: { id, side, text: text.trimStart(), ended } });
    };
    const next = async () => {
      if (done) return;
      try {
        const piece = await pieces.next();
        done = piece.done === true;
        if (piece.done) return tell(piece.value);
        text += piece.value;
        tell(null);
      } catch (error) {
        done = true;
        if (!signal.aborted) throw error;
        tell(false); // what was said so far stands
      }
    };
    return { next, done: () => done };
  }
}
