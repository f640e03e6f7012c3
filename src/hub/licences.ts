/**
 * The licences of the models in the catalogue, in words: a name, where to read it, and what it asks of somebody who
 * trains an adapter. The sentences are summaries; the text behind `url` is what counts.
 */

export interface Licence {
  /** SPDX identifier, or "LicenseRef-…" for one that SPDX does not list. */
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** What it asks beyond naming the source, in plain words; null when nothing. */
  readonly restriction: string | null;
}

export const APACHE_2: Licence = {
  id: "Apache-2.0",
  name: "Apache License 2.0",
  url: "https://www.apache.org/licenses/LICENSE-2.0",
  restriction: null,
};

export const MIT: Licence = {
  id: "MIT",
  name: "MIT License",
  url: "https://opensource.org/license/mit",
  restriction: null,
};

export const QWEN_RESEARCH: Licence = {
  id: "LicenseRef-Qwen-Research",
  name: "Qwen Research License",
  url: "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE",
  restriction:
    "For research and evaluation only; commercial use needs a licence from Alibaba Cloud. A published model made from it must say “Built with Qwen” or “Improved using Qwen”.",
};

export const LLAMA_3_2: Licence = {
  id: "LicenseRef-Llama-3.2-Community",
  name: "Llama 3.2 Community License",
  url: "https://www.llama.com/llama3_2/license/",
  restriction:
    "Meta's acceptable use policy applies. A published model made from it must say “Built with Llama” and have a name that begins with “Llama”; services with more than 700 million monthly users need a licence of their own.",
};

export const GEMMA: Licence = {
  id: "LicenseRef-Gemma-Terms-of-Use",
  name: "Gemma Terms of Use",
  url: "https://ai.google.dev/gemma/terms",
  restriction:
    "Google's prohibited use policy applies, to models made from it as well; whoever passes one on must pass these terms on with it.",
};
