/**
 * Probes: a few questions asked again and again while training, judged each time beside what the untouched base said.
 * With the adapter that is kept, validation questions are answered too, and scored against the manner of the dataset.
 */
import type { DataRecord } from "../data/records.ts";
import { judgeRound, type RoundEntry } from "../health/answer-round.ts";
import {
  type Answer,
  type AnswerHealth,
  type AnswerVerdict,
  type JudgeOptions,
  judgeAnswer,
} from "../health/answers.ts";
import type { Level } from "../health/finding.ts";
import { styleProfile, voiceScore } from "../health/voice.ts";
import { wholeAnswer } from "./answer.ts";
import type { HealthEvent, ProbeEvent, VoiceEvent } from "./events.ts";
import type { Message } from "./prompt.ts";
import type { TrainingSession } from "./session.ts";

export interface Probe {
  readonly messages: readonly Message[];
  /** What the dataset answers. */
  readonly reference?: string | undefined;
}

/** What the voice is measured by. */
export interface Manner {
  /** Validation questions with their references. */
  readonly questions: readonly Probe[];
  /** Answers of the dataset. */
  readonly answers: readonly string[];
}

export class ProbeRounds {
  /** Of the last round; null before the first with an adapter. */
  verdict: AnswerHealth | null = null;
  /** As it was last told. */
  private told: AnswerVerdict;
  private readonly session: TrainingSession;
  private readonly probes: readonly Probe[];
  private readonly manner: Manner | null;
  private readonly base: Map<string, Answer>;
  /** Answers of the present round: a question that is both probe and measure of the voice is asked once. */
  private readonly latest = new Map<string, Answer>();
  /** Half of the dataset's answers are longer, in characters; undefined where none are known. */
  private readonly taughtLength: number | undefined;

  /**
   * `base`: the base's answers by `probeKey`, as far as they are known; what is asked of it meanwhile is added.
   * `told`: the verdict that a resumed run has told last.
   */
  constructor(
    session: TrainingSession,
    probes: readonly Probe[],
    manner: Manner | null,
    base: Map<string, Answer>,
    told: AnswerVerdict = "healthy",
  ) {
    this.told = told;
    this.session = session;
    this.probes = probes;
    this.manner = manner;
    this.base = base;
    const lengths = (manner?.answers ?? probes.flatMap(({ reference }) => reference ?? [])).map(({ length }) => length);
    this.taughtLength = lengths.sort((a, b) => a - b)[lengths.length >> 1];
  }

  /** What is due after `step` updates; `kept`: the update whose adapter is kept, at the end, whatever was asked to stop. */
  async *at(
    step: number,
    kept: number | null,
    signal?: AbortSignal,
  ): AsyncGenerator<ProbeEvent | HealthEvent | VoiceEvent> {
    if (step === 0) return yield* this.first(signal);
    yield* this.round(step, kept === null ? signal : undefined);
    if (kept !== null) yield* this.voice(kept, signal);
  }

  /** The base's answers: what every later round is compared with. */
  private async *first(signal?: AbortSignal): AsyncGenerator<ProbeEvent | HealthEvent> {
    for (const [index, probe] of this.probes.entries()) {
      if (signal?.aborted) return;
      const answer = await this.ofBase(probe);
      const { text, ended } = answer;
      const health = judgeAnswer(answer, null, await this.options(probe));
      yield { type: "probe", step: 0, index, text, ended, health };
    }
    if (this.probes.length > 0) yield* this.describeBase();
  }

  /** A round with the adapter as it is; its verdict is told when it is graver or better than the last. */
  private async *round(step: number, signal?: AbortSignal): AsyncGenerator<ProbeEvent | HealthEvent> {
    const heard: RoundEntry[] = [];
    this.latest.clear();
    for (const [index, probe] of this.probes.entries()) {
      if (signal?.aborted) return;
      const base = await this.ofBase(probe);
      const answer = await this.ofTuned(probe);
      heard.push({ answer, base, reference: probe.reference });
      const { text, ended } = answer;
      const health = judgeAnswer(answer, base, await this.options(probe));
      yield { type: "probe", step, index, text, ended, health };
    }
    if (heard.length === 0) return;
    const found = judgeRound(heard, await this.options());
    this.verdict = found;
    const changed = found.verdict !== this.told;
    this.told = found.verdict;
    if (changed) yield describeAnswers(step, found);
  }

  /** How close base and adapter come to the dataset's manner. */
  private async *voice(step: number, signal?: AbortSignal): AsyncGenerator<VoiceEvent> {
    if (!this.manner) return;
    const base: { text: string; reference: string }[] = [];
    const tuned: typeof base = [];
    for (const probe of this.manner.questions) {
      if (signal?.aborted || probe.reference === undefined) continue;
      const { reference } = probe;
      base.push({ text: (await this.ofBase(probe)).text, reference });
      tuned.push({ text: (await this.ofTuned(probe)).text, reference });
    }
    if (base.length === 0) return;
    const profile = styleProfile(this.manner.answers);
    const scores = { base: voiceScore(base, profile), tuned: voiceScore(tuned, profile) };
    yield { type: "voice", step, questions: base.length, ...scores };
  }

  /** A base that answers oddly by itself is no fault of the adapter, and good to know before hours of training. */
  private async *describeBase(): AsyncGenerator<HealthEvent> {
    const heard = this.probes.map((probe) => ({ answer: this.base.get(probeKey(probe))!, base: null }));
    const { symptoms } = judgeRound(heard, await this.options());
    if (symptoms.length === 0) return;
    const why = symptoms.map((symptom) => symptom.text).join("; ");
    const text = `The untouched base answers oddly itself: ${why}. Later answers are compared with these.`;
    yield { type: "health", step: 0, kind: "answers", level: "note", text };
  }

  /** The dataset's own answer, and how tokens are spelt. */
  private async options({ reference }: Partial<Probe> = {}): Promise<JudgeOptions> {
    const tokenizer = await this.session.tokenizer();
    return { reference, taughtLength: this.taughtLength, decode: (ids) => tokenizer.decode(ids) };
  }

  private async ofTuned(probe: Probe): Promise<Answer> {
    const key = probeKey(probe);
    const known = this.latest.get(key);
    if (known) return known;
    const answer = await wholeAnswer(this.session, probe.messages);
    this.latest.set(key, answer);
    return answer;
  }

  private async ofBase(probe: Probe): Promise<Answer> {
    const key = probeKey(probe);
    const known = this.base.get(key);
    if (known) return known;
    const answer = await wholeAnswer(this.session, probe.messages, { base: true });
    this.base.set(key, answer);
    return answer;
  }
}

/** What makes two probes the same. */
export const probeKey = ({ messages }: Probe): string => JSON.stringify(messages);

function describeAnswers(step: number, { verdict, symptoms }: AnswerHealth): HealthEvent {
  const told = { type: "health", step, kind: "answers" } as const;
  const why = symptoms.map(({ text }) => text).join("; ");
  if (verdict === "healthy") return { ...told, level: "good", text: "The answers are coherent again." };
  if (verdict === "suspicious") return { ...told, level: "warn", text: `The answers look suspicious: ${why}.` };
  const fix = "Stop, and train again with a lower learning rate; look at the answers of the dataset, too.";
  return { ...told, level: "bad", text: `The answers have collapsed: ${why}.`, fix };
}

const TOLD_BY: Readonly<Record<Level, AnswerVerdict | null>> = {
  ...{ good: "healthy", warn: "suspicious", bad: "collapsed" },
  note: null, // about the base
};

/** The verdict on the answers that these events have told last. */
export function toldVerdict(health: readonly HealthEvent[]): AnswerVerdict {
  const told = health.flatMap(({ kind, level }) => (kind === "answers" ? (TOLD_BY[level] ?? []) : []));
  return told.at(-1) ?? "healthy";
}

/** The first questions that differ among the records: what is asked before an answer, system prompt included. */
export function probesOf(records: readonly DataRecord[], count: number): Probe[] {
  const probes = new Map<string, Probe>();
  for (const record of records) {
    if (probes.size === count) break;
    const probe = probeOf(record);
    if (probe && !probes.has(probeKey(probe))) probes.set(probeKey(probe), probe);
  }
  return [...probes.values()];
}

/**
 * Probes of questions as a person typed them: where a record asks the same, with all that it says before its answer, and
 * with that answer, so that they are judged as the probes of the data are.
 */
export function probesFor(questions: readonly string[], records: readonly DataRecord[]): Probe[] {
  const known = new Map<string, Probe>();
  for (const probe of probesOf(records, Number.POSITIVE_INFINITY)) {
    const question = questionText(probe).trim();
    if (!known.has(question)) known.set(question, probe);
  }
  return questions.map((text) => known.get(text.trim()) ?? { messages: [{ role: "user", content: text }] });
}

/** The question itself: the last thing said before the answer. */
export const questionText = ({ messages }: Probe): string => messages.at(-1)!.content;

/** Questions for the voice, and answers of the dataset for its style. */
const VOICE_QUESTIONS = 6;
const STYLE_ANSWERS = 2000;

/** What the voice of a run is measured by; null without validation records that ask something. */
export function mannerOf(train: readonly DataRecord[], valid: readonly DataRecord[]): Manner | null {
  const questions = probesOf(valid, VOICE_QUESTIONS);
  if (questions.length === 0) return null;
  const answers = train.slice(0, STYLE_ANSWERS).flatMap((record) => probeOf(record)?.reference ?? []);
  return { questions, answers };
}

function probeOf(record: DataRecord): Probe | null {
  switch (record.kind) {
    case "completion":
      return { messages: [{ role: "user", content: record.prompt }], reference: record.completion };
    case "text":
      return beginningOf(record.text);
    case "conversation":
      return questionOf(record.messages);
    case "tokens":
      return null;
  }
}

/** Words of a plain text that are asked to be gone on from, and the least that must follow. */
const BEGINNING = 12;

function beginningOf(text: string): Probe | null {
  const match = new RegExp(`^\\s*(?:\\S+\\s+){${BEGINNING}}`).exec(text.slice(0, 2000));
  if (!match || text.slice(match[0].length).trim().split(/\s+/, BEGINNING).length < BEGINNING) return null;
  return { messages: [{ role: "user", content: match[0].trim() }], reference: text.slice(match[0].length) };
}

function questionOf(messages: Extract<DataRecord, { kind: "conversation" }>["messages"]): Probe | null {
  const question: Message[] = [];
  for (const { role, content } of messages) {
    if (role === "assistant") {
      if (!question.some((message) => message.role === "user")) return null;
      return { messages: question, ...(content === null ? {} : { reference: content }) };
    }
    if ((role !== "system" && role !== "user") || content === null) return null;
    question.push({ role, content });
  }
  return null;
}
