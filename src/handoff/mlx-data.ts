/**
 * Records as mlx-lm reads them (mlx_lm/tuner/datasets.py): one kind a file, decided by its first row. Conversations are
 * `messages`, for the model's own template; `mask_prompt` gives loss to the last message alone. Token ids are not taken.
 */
import type { Examined, ExaminedSet } from "./examine.ts";
import { type Row, type Written, writeRows } from "./written.ts";

export type MlxForm = "messages" | "text";

export interface MlxData {
  readonly form: MlxForm;
  /** Whether `mask_prompt` can be on. */
  readonly masked: boolean;
  readonly train: Written;
  readonly valid: Written | null;
}

export interface DataOptions {
  readonly maskPrompt: boolean;
  readonly maxSeqLength: number;
}

/** Of both files, in one form, since one `mask_prompt` holds for both. */
export function mlxData(train: ExaminedSet, valid: ExaminedSet | null, options: DataOptions): MlxData {
  const form = train.kept.some(({ shape }) => shape.kind === "chat") ? "messages" : "text";
  const write = (set: ExaminedSet) => writeRows(set, options.maxSeqLength, (record) => rowOf(record, form));
  const masked = form === "messages" && options.maskPrompt;
  return { form, masked, train: write(train), valid: valid && write(valid) };
}

function rowOf({ shape, view }: Examined, form: MlxForm): Row {
  if (shape.kind === "tokens") return "token ids, which mlx-lm does not take";
  if (shape.kind === "chat") {
    if (form === "text") return "conversations beside plain text";
    if (!view) return "the chat template does not render the part before their answer";
    const { tools } = shape.frame;
    return { value: { messages: shape.messages, ...(tools ? { tools } : {}) }, view };
  }
  if (form === "messages") return "plain text beside conversations";
  if (shape.kind === "text") return { value: { text: shape.text }, view };
  // Without a chat template there is no prompt to mask.
  return { value: { text: shape.prompt + shape.completion }, view: view && { ...view, from: 0 } };
}
