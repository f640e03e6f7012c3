/** What the test, the page and its worker tell each other: plain data. */

export interface PlainExample {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
}

export interface TrainOrder {
  readonly steps: number;
  readonly examples: readonly PlainExample[];
}

export interface TrainOutcome {
  /** Of every update. */
  readonly losses: readonly number[];
  readonly checks: readonly { readonly name: string; readonly passed: boolean; readonly evidence: string }[];
  readonly files: readonly { readonly path: string; readonly bytes: readonly number[] }[];
}

export type TrainReply = { readonly outcome: TrainOutcome } | { readonly error: string };

/** The page's one function. */
export interface TrainPage {
  trainInWorker(order: TrainOrder): Promise<TrainOutcome>;
}
