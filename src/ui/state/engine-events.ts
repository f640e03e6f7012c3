/** The engine's events become the page's state. React hears of a run at most four times a second. */

import { formatNumber } from "../../core/units.ts";
import type { HealthEvent } from "../../train/events.ts";
import type { AnswerEvent, DataState, EngineEvent, ModelState, ProbeEvent, RunEvent } from "../../worker/protocol.ts";
import { createThrottle } from "../kit/throttle.ts";
import type { AppState, LogLine } from "./app-state.ts";
import type { Curves } from "./curves.ts";
import type { Store } from "./store.ts";
import { createTimeLeft } from "./time-left.ts";
import { NO_TRIALS, takeTrial } from "./trials.ts";

/** Milliseconds between two changes of the state while training. */
const EVERY = 250;
const LOG_LINES = 500;
let lineId = 0;

export function createListener(store: Store<AppState>, curves: Curves): (event: EngineEvent) => void {
  let waiting: RunEvent[] = [];
  const flush = () => {
    const events = waiting;
    waiting = [];
    if (events.length > 0) takeRunEvents(store, curves, events);
  };
  const flushSoon = createThrottle<null>(EVERY, flush);
  return (event) => {
    switch (event.type) {
      case "model":
        return store.set({ model: event.state, ...(sameChoice(event.state, store.get().model) ? {} : NO_TRIAL) });
      case "data":
        return store.set({ data: event.state, ...(sameRecords(event.state, store.get().data) ? {} : NO_TRIAL) });
      case "run":
        flush(); // the state must not overtake what led to it
        return store.set({ run: event.state });
      case "progress":
        waiting.push(...event.events);
        return flushSoon.push(null);
      case "mix":
        // What was answered came from another adapter.
        return store.set({ mix: event.state, comparison: null, chat: [] });
      case "answer":
        return takeAnswer(store, event.answer);
      case "trial":
        return store.set({ trial: takeTrial(store.get().trial, event.event) });
      case "request":
        return store.set({ requests: withRequest(store.get().requests, event.url, event.bytes) });
    }
  };
}

/** Found with another model or on other records, a rate or a diagnosis says nothing any more. */
const NO_TRIAL = { trial: NO_TRIALS };
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const sameChoice = (now: ModelState, before: ModelState): boolean => same(now.choice, before.choice);
const sameRecords = (now: DataState, before: DataState): boolean =>
  now.phase !== "reading" && same(now.mapping, before.mapping);

/** Adds a run's events to curves, answers and log, in one change of the state. */
export function takeRunEvents(store: Store<AppState>, curves: Curves, events: readonly RunEvent[]): void {
  curves.add(events);
  const { probeAnswers, log, run, step, findings, health, voice } = store.get();
  const answers = events.filter((event): event is ProbeEvent => event.type === "probe");
  const lines = events.flatMap(lineOf).filter(({ text }, i, all) => text !== (all[i - 1] ?? log.at(-1))?.text);
  const steps = events.filter((event) => event.type === "step");
  const newest = steps.at(-1)?.step ?? step;
  timeLeft.add(steps, run.start?.totalSteps ?? newest);
  store.set({
    step: newest,
    secondsLeft: timeLeft.seconds(),
    findings: events.findLast((event) => event.type === "preflight")?.findings ?? findings,
    health: withHealth(health, events),
    voice: events.findLast((event) => event.type === "voice") ?? voice,
    ...(answers.length > 0 ? { probeAnswers: [...probeAnswers, ...answers] } : {}),
    ...(lines.length > 0 ? { log: [...log, ...lines].slice(-LOG_LINES) } : {}),
  });
}

const timeLeft = createTimeLeft();

/** A run that begins once more on another GPU says some things again: the same words once. */
function withHealth(before: readonly HealthEvent[], events: readonly RunEvent[]): readonly HealthEvent[] {
  const told = new Set(before.map(({ step, text }) => `${step} ${text}`));
  const fresh = events.filter((event) => event.type === "health" && !told.has(`${event.step} ${event.text}`));
  return fresh.length === 0 ? before : [...before, ...(fresh as HealthEvent[])];
}

function lineOf(event: RunEvent): LogLine[] {
  const line = (text: string, tone: LogLine["tone"] = "neutral"): LogLine[] => [
    { id: lineId++, time: Date.now(), text, tone },
  ];
  switch (event.type) {
    case "save":
      return line(`Saved after update ${event.step}`);
    case "validation": {
      const when = event.step === 0 ? "before the first update" : `after update ${event.step}`;
      const best = event.best ? ", the lowest so far" : "";
      return line(`Validation loss ${formatNumber(event.loss)} ${when}${best}`, event.best ? "good" : "neutral");
    }
    case "step":
      return []; // what is wrong with one is told by the guard
    case "health":
      return line(event.text, event.level === "note" ? "neutral" : event.level);
    case "preflight":
      return event.findings.flatMap(({ level, title, evidence }) =>
        level === "warn" || level === "bad" ? line(`${title}: ${evidence}`, level) : [],
      );
    case "probe":
    case "voice":
      return [];
  }
}

function takeAnswer(store: Store<AppState>, answer: AnswerEvent): void {
  const { answering, asked, comparison, chat } = store.get();
  if (answer.id !== asked) return;
  if (answering === "comparison" && comparison) {
    store.set({ comparison: { ...comparison, sides: { ...comparison.sides, [answer.side]: answer } } });
  } else if (answering === "chat" && chat.length > 0) {
    const last = { ...chat.at(-1)!, answer: answer.text, ended: answer.ended };
    store.set({ chat: [...chat.slice(0, -1), last] });
  }
}

function withRequest(requests: AppState["requests"], url: string, bytes: number | null): AppState["requests"] {
  const at = requests.findIndex((request) => request.url === url);
  if (at < 0) return [...requests, { url, bytes, count: 1 }];
  const before = requests[at]!;
  const sum = before.bytes === null && bytes === null ? null : (before.bytes ?? 0) + (bytes ?? 0);
  return requests.with(at, { url, bytes: sum, count: before.count + 1 });
}
