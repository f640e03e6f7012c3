/** Stands in where data came as token ids and the model's folder has no tokenizer: whatever needs text fails, clearly. */
import { modelError } from "../core/errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

const missing = (): never => {
  throw modelError("this model has no tokenizer", "Add tokenizer.json to its folder, or use pre-tokenised records.");
};

export const noTokenizer: Tokenizer = {
  vocabSize: 0,
  special: {},
  specialContents: [],
  chatTemplates: new Map(),
  dropsLeadingSpace: false,
  encode: missing,
  decode: missing,
  tokenBytes: missing,
  isSpecial: missing,
};
