/** Names of the invented states, for the pages that show them and the tests that visit them. */

export const TRAIN_STATE_NAMES = [
  "empty",
  "waiting",
  "ready",
  "custom",
  "wrong",
  "tight",
  "too-large",
  "too-wide",
  "refused",
  "starting",
  "first",
  "training",
  "hidden",
  "pausing",
  "paused",
  "verifying",
  "silent",
  "done",
  "unusable",
  "broken",
  "device-lost",
  "out-of-memory",
  "not-finite",
] as const;

export const RUNS_STATE_NAMES = ["loading", "empty", "private", "list", "finished", "shown", "busy", "error"] as const;
