/** The files beside the weights that make a folder a model: what it is, how it reads and talks, what one may do with it. */
import type { ModelSource } from "../../core/bytes.ts";
import { withoutMembers } from "../../core/json-members.ts";
import type { Check } from "../verify.ts";
import type { FusedForm } from "./plan.ts";
import type { FusedWriter } from "./write.ts";

/** In the folder itself. Model cards are not among them: they describe the base. */
const COMPANIONS = [
  /^(config|generation_config)\.json$/,
  /^(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template)\.json$/,
  /^(tokenizer\.model|merges\.txt|vocab\.txt|chat_template\.jinja|.+\.tiktoken)$/,
  /^(LICEN[CS]E|COPYING|NOTICE|USE_POLICY)\b[^/]*$/i,
];

/** What MLX writes of codes, twice. */
const QUANTIZATION = ["quantization", "quantization_config"];

async function companionsOf(source: ModelSource): Promise<string[]> {
  const files = await source.list();
  return files.filter((file) => COMPANIONS.some((pattern) => pattern.test(file)));
}

export async function copyCompanions(source: ModelSource, writer: FusedWriter, form: FusedForm): Promise<void> {
  for (const path of await companionsOf(source)) {
    const bytes = await companion(source, path, form);
    if (bytes) await writer.write(path, once(bytes));
  }
}

/** Read back from where they were written, byte for byte. */
export async function proveCompanions(source: ModelSource, written: ModelSource, form: FusedForm): Promise<Check> {
  const files = await companionsOf(source);
  const wrong: string[] = [];
  for (const path of files) {
    const [expected, found] = [await companion(source, path, form), await readAll(written, path)];
    if (!found) wrong.push(`${path} is missing`);
    else if (found.length !== expected?.length || found.some((byte, i) => byte !== expected[i])) {
      wrong.push(`${path} differs`);
    }
  }
  const but = form === "decoded" ? ", but for what config.json says of codes" : "";
  const evidence = wrong.length > 0 ? wrong.join(", ") : files.join(", ");
  return { name: `config, tokenizer and licence are the base's${but}`, passed: wrong.length === 0, evidence };
}

/** Decoded weights have a config.json that tells of no codes. */
async function companion(source: ModelSource, path: string, form: FusedForm): Promise<Uint8Array | null> {
  const bytes = await readAll(source, path);
  if (!bytes || path !== "config.json" || form !== "decoded") return bytes;
  return new TextEncoder().encode(withoutMembers(new TextDecoder().decode(bytes), QUANTIZATION));
}

async function readAll(source: ModelSource, path: string): Promise<Uint8Array | null> {
  const file = await source.open(path);
  return file ? file.read(0, file.size) : null;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
