/** The gallery's fields. */
import { useState } from "react";
import { Badge } from "../../../src/ui/kit/badge.tsx";
import { Columns, Section } from "../../../src/ui/kit/card.tsx";
import { ChoiceCards } from "../../../src/ui/kit/choice-cards.tsx";
import { Explain } from "../../../src/ui/kit/explain.tsx";
import { SelectField, SwitchField, TextField } from "../../../src/ui/kit/fields.tsx";
import { FileDrop } from "../../../src/ui/kit/file-drop.tsx";
import { NumberField } from "../../../src/ui/kit/number-field.tsx";
import { WordList } from "../../../src/ui/kit/word-list.tsx";

const MODELS = [
  {
    value: "demo",
    title: "Demo model",
    description: "A small world, built in. Trains in seconds.",
    facts: "1.2 M parameters · 4.8 MB",
    badge: <Badge tone="good">Fits</Badge>,
  },
  {
    value: "qwen",
    title: "Qwen2.5-0.5B-Instruct",
    description: "A good first real model.",
    facts: "494 M parameters · 988 MB",
    badge: <Badge tone="good">Fits</Badge>,
  },
  {
    value: "smol",
    title: "SmolLM2-1.7B-Instruct",
    description: "Better answers, slower steps.",
    facts: "1.7 B parameters · 3.4 GB",
    badge: <Badge tone="warn">Tight</Badge>,
  },
  {
    value: "llama",
    title: "Llama-3.2-3B-Instruct",
    facts: "3.2 B parameters · 6.4 GB",
    badge: <Badge tone="bad">Too large</Badge>,
    disabled: "Needs 8.1 GB; this device has 5.3 GB to give.",
  },
];

/** Every kind of field. */
export function Asking() {
  const [model, setModel] = useState<string | null>("qwen");
  const [rate, setRate] = useState(2e-4);
  const [rank, setRank] = useState(8);
  const [schedule, setSchedule] = useState<"constant" | "linear" | "cosine">("linear");
  const [checkpointing, setCheckpointing] = useState(true);
  const [name, setName] = useState("my-adapter");
  const [words, setWords] = useState<readonly string[]>(["q_proj", "k_proj", "v_proj"]);
  const [taken, setTaken] = useState("");
  return (
    <>
      <ChoiceCards label="Model" value={model} onChange={setModel} choices={MODELS} />
      <Section title="Settings">
        <Columns>
          <NumberField
            label="Learning rate"
            explain={<Explain term="learning rate">How far each update moves the adapter.</Explain>}
            value={rate}
            min={0}
            max={1}
            onChange={setRate}
            description="How far each update moves the adapter."
          />
          <NumberField
            label="Rank"
            explain={<Explain term="rank">The number of directions in which each layer can change.</Explain>}
            value={rank}
            min={1}
            max={256}
            integer
            onChange={setRank}
            cost="more memory, a little slower"
          />
          <SelectField
            label="Schedule"
            value={schedule}
            onChange={setSchedule}
            options={[
              { value: "constant", label: "Constant" },
              { value: "linear", label: "Linear, down to zero" },
              { value: "cosine", label: "Cosine" },
            ]}
          />
          <NumberField label="Longest example" value={512} integer unit="tokens" onChange={() => {}} disabled />
          <TextField label="Name" value={name} onChange={setName} error="A folder of this name exists already." />
          <SwitchField
            label="Save memory by computing twice"
            value={checkpointing}
            onChange={setCheckpointing}
            description="About a third slower, about half the memory."
          />
          <TextField label="Probe prompt" multiline value="Where do lorikeets sleep?" onChange={() => {}} />
          <WordList label="Layers to adapt" values={words} onChange={setWords} placeholder="o_proj" />
        </Columns>
      </Section>
      <FileDrop
        label="Drop a dataset here"
        hint="JSONL, JSON, CSV or Parquet. It stays on this machine."
        multiple
        folder
        onFiles={(files) => setTaken(files.map(({ path }) => path).join(", "))}
      />
      <p id="taken" role="status">
        {taken}
      </p>
    </>
  );
}
