/**
 * Records as TRL's SFTTrainer reads them. Plain conversations stay conversations, for the model's own template, as long as
 * its mask is ours; anything else goes as token ids with labels, which TRL trains as they are.
 */
import type { ChatMessage } from "../data/messages.ts";
import type { Examined, ExaminedSet } from "./examine.ts";
import type { DataOptions } from "./mlx-data.ts";
import { compareMasks } from "./other-mask.ts";
import { type Row, type Written, writeRows } from "./written.ts";

/** "prompt-completion": loss on the completion; "messages" and "text": on everything; "tokens": as the labels say. */
export type TrlForm = "prompt-completion" | "messages" | "text" | "tokens";

export interface TrlData {
  readonly form: TrlForm;
  readonly train: Written;
  readonly valid: Written | null;
}

/** One form for both files, since a table has the same columns in every row. */
export function trlData(train: ExaminedSet, valid: ExaminedSet | null, options: DataOptions): TrlData {
  const all = [...train.kept, ...(valid?.kept ?? [])];
  const form = FORMS.find((form) => all.every((record) => fits(record, form, options))) ?? "tokens";
  const write = (set: ExaminedSet) => writeRows(set, options.maxSeqLength, (record) => rowOf(record, form));
  return { form, train: write(train), valid: valid && write(valid) };
}

const FORMS = ["text", "messages", "prompt-completion"] as const;

function fits(record: Examined, form: (typeof FORMS)[number], { maskPrompt, maxSeqLength }: DataOptions): boolean {
  if (!kindFits(record, form, maskPrompt) || !record.view) return false;
  const { missed, extra, rendered } = compareMasks(record.example, record.view, maxSeqLength);
  return missed === 0 && extra === 0 && !rendered;
}

function kindFits({ shape }: Examined, form: (typeof FORMS)[number], maskPrompt: boolean): boolean {
  if (shape.kind === "tokens") return false;
  if (form === "text") return shape.kind === "text" || (shape.kind === "pair" && !maskPrompt);
  if (shape.kind === "pair") return form === "prompt-completion" && maskPrompt;
  if (shape.kind !== "chat" || !shape.messages.every(isPlain)) return false;
  if (shape.frame.tools !== undefined || shape.frame.variables !== undefined) return false;
  if (form === "messages") return !maskPrompt;
  return maskPrompt && shape.answers === 1 && shape.messages.length > 1;
}

/** A table fills what a row does not have with nulls, and templates print them: only what every message has is safe. */
function isPlain(message: ChatMessage): boolean {
  return typeof message.content === "string" && Object.keys(message).length === 2;
}

function rowOf({ example, shape, view }: Examined, form: TrlForm): Row {
  if (form === "tokens") return { value: { input_ids: [...example.ids], labels: [...example.labels] }, view: null };
  switch (shape.kind) {
    case "tokens":
      return "token ids beside other records"; // never chosen: the form would be tokens
    case "text":
      return { value: { text: shape.text }, view };
    case "pair":
      return form === "text"
        ? { value: { text: shape.prompt + shape.completion }, view }
        : { value: { prompt: shape.prompt, completion: shape.completion }, view };
    case "chat": {
      const { messages } = shape;
      if (form === "messages") return { value: { messages }, view };
      return { value: { prompt: messages.slice(0, -1), completion: messages.slice(-1) }, view };
    }
  }
}
