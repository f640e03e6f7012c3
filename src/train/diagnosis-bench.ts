/**
 * What `diagnose` looks at before and after: the loss of a few examples, greedy answers to their questions and the logits
 * of their beginnings. Questions are token ids cut from the examples, so data without text and models without a
 * tokenizer are diagnosed too.
 */
import { LorikeetError } from "../core/errors.ts";
import { layFlat } from "../data/batches.ts";
import { type Example, NO_LOSS } from "../data/encode.ts";
import { judgeRound } from "../health/answer-round.ts";
import type { Answer, AnswerHealth } from "../health/answers.ts";
import { PROBE_TOKENS } from "./answer.ts";
import { evaluate } from "./evaluate.ts";
import { computeLogits } from "./logits.ts";
import type { TrainingSession } from "./session.ts";
import { probeExamples } from "./verify.ts";

const QUESTIONS = 3;
const MEASURED = 8;
/** Longest beginning of a text that is all answer. */
const BEGINNING = 32;

interface Question {
  readonly ids: readonly number[];
  readonly text: string;
  /** What the data answers. */
  readonly reference: string;
}

/** The model at one moment, with whatever adapter is on it. */
export interface Look {
  readonly loss: number;
  readonly answers: readonly Answer[];
  /** f32 [N, V] of the beginnings, end to end. */
  readonly logits: Float32Array;
}

export interface Bench {
  readonly questions: readonly Question[];
  /** Examples that the loss is measured on. */
  readonly measured: number;
  look(): Promise<Look>;
  judge(before: Look, after: Look): AnswerHealth;
}

/** `examples`: at least one. */
export async function openBench(
  session: TrainingSession,
  examples: readonly Example[],
  { batchSize, signal }: { readonly batchSize: number; readonly signal?: AbortSignal | undefined },
): Promise<Bench> {
  const { device, model } = session;
  const decode = await decoderOf(session);
  const stopIds = await session.stopIds();
  const measured = examples.slice(0, MEASURED);
  const beginnings = layFlat(probeExamples(examples));
  const questions = questionsOf(examples, decode);
  const answer = async ({ ids }: Question): Promise<Answer> => {
    const made: number[] = [];
    for await (const id of session.generate(ids, { maxTokens: PROBE_TOKENS, stopIds, signal })) made.push(id);
    const ended = made.length > 0 && stopIds.has(made.at(-1)!);
    return { ids: made, text: decode(ended ? made.slice(0, -1) : made, true), ended };
  };
  return {
    questions,
    measured: measured.length,
    async look() {
      const { loss } = await evaluate(device, model, measured, { batchSize, signal });
      const answers: Answer[] = [];
      for (const question of questions) answers.push(await answer(question));
      return { loss, answers, logits: await computeLogits(device, model, beginnings) };
    },
    judge(before, after) {
      const entries = after.answers.map((answer, i) => {
        return { answer, base: before.answers[i]!, reference: questions[i]!.reference };
      });
      return judgeRound(entries, { decode: (ids) => decode(ids, false) });
    },
  };
}

type Decode = (ids: ArrayLike<number>, skipSpecialTokens: boolean) => string;

/** Text where there is a tokenizer, else the ids as words. */
async function decoderOf(session: TrainingSession): Promise<Decode> {
  try {
    const tokenizer = await session.tokenizer();
    return (ids, skipSpecialTokens) => tokenizer.decode(ids, { skipSpecialTokens });
  } catch (error) {
    if (error instanceof LorikeetError) return (ids) => Array.from(ids).join(" ");
    throw error;
  }
}

/** The first questions that differ: what stands before the first supervised token. */
function questionsOf(examples: readonly Example[], decode: Decode): Question[] {
  const found = new Map<string, Question>();
  for (const { ids, labels } of examples) {
    if (found.size === QUESTIONS) break;
    const first = labels.findIndex((label) => label !== NO_LOSS);
    const after = labels.findIndex((label, i) => i > first && label === NO_LOSS);
    // Labels never begin before the second token: a first answer there means that all is answer.
    const cut = first > 1 ? first : Math.max(1, Math.min(BEGINNING, ids.length >> 1));
    const prompt = [...ids.subarray(0, cut)];
    const reference = decode(ids.subarray(cut, after < cut ? ids.length : after), true);
    const key = prompt.join();
    if (!found.has(key)) found.set(key, { ids: prompt, text: spoken(decode(prompt, true)), reference });
  }
  return [...found.values()];
}

const ROLES = new Set(["system", "user", "assistant", "model", "human"]);

/** A question without the lines on which a chat template names who speaks. */
const spoken = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !ROLES.has(line.trim()))
    .join("\n");
