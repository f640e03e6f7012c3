/**
 * Renders chat templates over @huggingface/jinja with the globals transformers gives them
 * (https://huggingface.co/docs/transformers/main/en/chat_templating_writing).
 *
 * A template comes with the model and may be hostile. Evaluation steps, list lengths and text lengths are counted and
 * cut off; recursion ends in an error. Not bounded: one `tojson(indent=…)` may still ask for much memory at once.
 * Known differences from Python: numbers such as 1.0 print as 1, keys that look like integers come first, and an object
 * printed without tojson comes as JSON.
 */

import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { dataError, formatError, LorikeetError } from "../core/errors.ts";

export interface ChatTemplate {
  readonly program: ReturnType<typeof parse>;
}

export interface ChatContext {
  readonly messages: readonly Record<string, unknown>[];
  readonly tools?: readonly unknown[] | undefined;
  readonly add_generation_prompt?: boolean;
  readonly bos_token?: string | undefined;
  readonly eos_token?: string | undefined;
  readonly pad_token?: string | undefined;
  readonly unk_token?: string | undefined;
  /** What `strftime_now` tells; fixed by the caller, in UTC, so that the same file renders the same text. */
  readonly now: Date;
  /** Further variables (a record's `chat_template_kwargs`), such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** What `{% generation %}` and `{% endgeneration %}` print; nothing unless a caller wants to see where they are. */
export interface GenerationMarks {
  readonly begin: string;
  readonly end: string;
}

const NO_MARKS: GenerationMarks = { begin: "", end: "" };

/**
 * Parses a template. `where` begins the message.
 * @throws FormatError when it is not a Jinja template this renderer can read.
 */
export function compileChatTemplate(source: string, where: string): ChatTemplate {
  try {
    const tokens = tokenize(printGenerationTags(source), { lstrip_blocks: true, trim_blocks: true });
    return { program: parse(tokens) };
  } catch (error) {
    throw formatError(
      `${where}: chat template: ${reason(error)}`,
      "Pass another template, or train on plain text or prompt/completion records.",
    );
  }
}

/**
 * The text of a conversation.
 * @throws DataError with the template's own reason (`raise_exception`) or the fault met while rendering.
 */
export function renderChat(template: ChatTemplate, context: ChatContext, marks = NO_MARKS): string {
  try {
    const environment = new Environment();
    const budget = new Budget();
    for (const [name, value] of Object.entries(globals(context, marks, budget))) environment.set(name, value);
    const result = new BoundedInterpreter(environment, budget).run(template.program);
    if (typeof result.value !== "string") throw new Error("expected text");
    return result.value;
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    throw dataError(`chat template: ${reason(error)}`, "The model's template does not accept this conversation.");
  }
}

const reason = (error: unknown) => {
  if (error instanceof RangeError) return "it nests too deep or grows too long";
  return error instanceof Error ? error.message : String(error);
};

/**
 * `{% generation %}` tags become `{{ variable }}`: the same text, and on demand a mark that tells where it stood. What
 * the tag would do to the white space around it (`-`, lstrip_blocks, trim_blocks) is done here.
 */
function printGenerationTags(source: string): string {
  return source.replace(
    /(^[ \t]*)?\{%(-?)\s*(end)?generation\s*(-?)%\}(\n?)/gm,
    (_, indent: string | undefined, before: string, end: string | undefined, after: string, newline: string) => {
      const kept = after ? newline : "";
      return `${before ? (indent ?? "") : ""}{{${before} ${end ? END_VARIABLE : BEGIN_VARIABLE} ${after}}}${kept}`;
    },
  );
}

const BEGIN_VARIABLE = "lorikeet_generation_begins";
const END_VARIABLE = "lorikeet_generation_ends";

function globals(context: ChatContext, marks: GenerationMarks, budget: Budget): Record<string, unknown> {
  const { messages, tools, add_generation_prompt = false, now, variables } = context;
  const all: Record<string, unknown> = {
    ...variables,
    messages,
    // transformers passes None for what a caller leaves out.
    tools: tools ?? null,
    documents: variables?.documents ?? null,
    add_generation_prompt,
    ...specials(context),
    [BEGIN_VARIABLE]: marks.begin,
    [END_VARIABLE]: marks.end,
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    strftime_now: (format: unknown) => strftime(now, String(format)),
    range: (...args: unknown[]) => range(args, budget),
  };
  return all;
}

const specials = ({ bos_token, eos_token, pad_token, unk_token }: ChatContext) =>
  Object.fromEntries(
    Object.entries({ bos_token, eos_token, pad_token, unk_token }).filter(([, token]) => token !== undefined),
  );

const MAX_STEPS = 1_000_000;
const MAX_TEXT = 1 << 24;
const MAX_LIST = 1_000_000;

/** Steps left to a rendering: 1,000 messages take about 70,000 with the longest templates. */
class Budget {
  private steps = 0;

  spend(steps: number): void {
    this.steps += steps;
    if (!(this.steps <= MAX_STEPS)) throw new Error(`it takes more than ${MAX_STEPS} steps`);
  }
}

/** Counts evaluations, so that no template runs for ever or fills the memory. */
class BoundedInterpreter extends Interpreter {
  private readonly budget: Budget;

  constructor(environment: Environment, budget: Budget) {
    super(environment);
    this.budget = budget;
  }

  override evaluate(...args: Parameters<Interpreter["evaluate"]>): ReturnType<Interpreter["evaluate"]> {
    this.budget.spend(1);
    const result = super.evaluate(...args);
    const { value } = result;
    if (typeof value === "string" && value.length > MAX_TEXT) {
      throw new Error(`it makes a text of more than ${MAX_TEXT} characters`);
    }
    if (Array.isArray(value) && value.length > MAX_LIST) throw new Error(`it makes a list of more than ${MAX_LIST}`);
    return result;
  }
}

/** Python's range, as a list. A loop makes a scope for each element before its body runs, so elements cost steps too. */
function range(args: readonly unknown[], budget: Budget): number[] {
  const numbers = args.filter((arg) => typeof arg === "number");
  const [start, stop, step] = numbers.length === 1 ? [0, numbers[0]!, 1] : [numbers[0]!, numbers[1]!, numbers[2] ?? 1];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  budget.spend(4 * length);
  return Array.from({ length }, (_, i) => start + i * step);
}

const MONTHS = ["January", "February", "March", "April", "May", "June", "July"].concat([
  "August",
  "September",
  "October",
  "November",
  "December",
]);
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Python's strftime for the directives templates use; `%-d` drops the leading zero; others stay as they are. */
export function strftime(date: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const hour = date.getUTCHours();
  const values: Record<string, string> = {
    a: DAYS[date.getUTCDay()]!.slice(0, 3),
    A: DAYS[date.getUTCDay()]!,
    b: MONTHS[date.getUTCMonth()]!.slice(0, 3),
    B: MONTHS[date.getUTCMonth()]!,
    d: two(date.getUTCDate()),
    H: two(hour),
    I: two(hour % 12 || 12),
    m: two(date.getUTCMonth() + 1),
    M: two(date.getUTCMinutes()),
    p: hour < 12 ? "AM" : "PM",
    S: two(date.getUTCSeconds()),
    y: two(date.getUTCFullYear() % 100),
    Y: String(date.getUTCFullYear()),
    "%": "%",
  };
  return format.replace(/%(-?)([a-zA-Z%])/g, (whole, dash: string, key: string) => {
    const value = values[key];
    if (value === undefined) return whole;
    return dash ? value.replace(/^0(?=\d)/, "") : value;
  });
}
