/** The model at hand: what it is, and its way from network or disk to the GPU. */
import type { ModelState } from "../../../worker/protocol.ts";
import { Verdict } from "../../kit/badge.tsx";
import { Button } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Explain } from "../../kit/explain.tsx";
import { Facts } from "../../kit/facts.tsx";
import { SelectField } from "../../kit/fields.tsx";
import { Notice } from "../../kit/notice.tsx";
import { Progress } from "../../kit/progress.tsx";
import { Status } from "../../kit/status.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { nextCard } from "../next-card.ts";
import { isHere } from "./choices.ts";
import { loadWords, modelFacts, tooLarge, transferDetail } from "./summary.ts";
import { useChoose } from "./use-choose.ts";

interface ChosenModelProps {
  readonly locked: boolean;
  readonly onFreeSpace: () => void;
}

export function ChosenModel({ locked, onFreeSpace }: ChosenModelProps) {
  const model = useAppState((state) => state.model);
  const choose = useChoose();
  if (model.phase === "none") {
    return (
      <div className="k-row">
        <Button kind="primary" onPress={() => choose({ kind: "demo" })}>
          Use the built-in demo
        </Button>
        <span className="k-soft k-small">No model is chosen yet.</span>
      </div>
    );
  }
  if (model.phase === "failed" && !model.facts) return null;
  const facts = modelFacts(model).map(({ name, value, meaning }) => ({
    ...{ name, value },
    ...(meaning && { explain: <Explain term={name}>{meaning}</Explain> }),
  }));
  return (
    <Section title={model.title || "Your model"}>
      {model.phase === "reading" && <Progress label="Reading its config and tokenizer" />}
      {facts.length > 0 && <Facts facts={facts} />}
      <Warning model={model} onFreeSpace={onFreeSpace} />
      {model.phase !== "reading" && model.phase !== "failed" && <Loading model={model} locked={locked} />}
    </Section>
  );
}

/** From known to ready. */
function Loading({ model, locked }: { readonly model: ModelState; readonly locked: boolean }) {
  const { actions } = usePage();
  const here = useAppState((state) => isHere(state.model.choice, state.kept));
  const large = useAppState(tooLarge) !== null;
  const { phase, transfer } = model;
  if (phase === "ready") {
    return (
      <div className="c-model-ready">
        <Verdict tone="good">{model.kept ? "Loaded, and kept for use without a network" : "Loaded"}</Verdict>
        <Button onPress={() => nextCard(actions, "model")}>Done</Button>
      </div>
    );
  }
  if (phase === "known") {
    return (
      <div className="k-stack">
        <Precision model={model} locked={locked} />
        <div className="k-row">
          <Button
            kind={large ? "plain" : "primary"}
            icon={here ? "play" : "download"}
            disabled={locked}
            onPress={() => void actions.loadModel()}
          >
            {loadWords(model, here)}
          </Button>
          <span className="k-soft k-small">Start in the Train card does this too.</span>
        </div>
      </div>
    );
  }
  const paused = phase === "paused";
  const words = here ? "Loading to the GPU" : "Downloading to the GPU";
  const value = transfer && transfer.total > 0 ? transfer.done / transfer.total : undefined;
  return (
    <>
      <Progress
        label={paused ? "Paused; what has arrived is kept" : words}
        value={value}
        detail={
          transfer
            ? transferDetail(paused ? { ...transfer, bytesPerSecond: null, secondsLeft: null } : transfer)
            : undefined
        }
        actions={paused ? <Resume /> : <Pause />}
      />
      <Status text={value === undefined ? words : `${words}: ${Math.floor(100 * value)} percent`} every={10_000} />
    </>
  );
}

const BITS = [
  { value: "as-is", label: "As published" },
  { value: "8", label: "8 bits: half the memory of 16" },
  { value: "4", label: "4 bits: little more than a quarter" },
] as const;

/** Plain weights can be coded while they load; what its maker has coded stays as it is. */
function Precision({ model: { choice, facts }, locked }: { readonly model: ModelState; readonly locked: boolean }) {
  const { actions } = usePage();
  const coded = facts?.element.startsWith("q") && !choice?.quantize;
  if (!facts || coded) return null;
  return (
    <SelectField
      label="Weights on the GPU"
      description="Fewer bits leave room for larger models and longer texts; the adapter learns to work with what they lose."
      value={choice?.quantize ? `${choice.quantize}` : "as-is"}
      options={BITS}
      disabled={locked}
      onChange={(bits) => void actions.quantizeModel(bits === "as-is" ? null : bits === "4" ? 4 : 8)}
    />
  );
}

function Pause() {
  const { actions } = usePage();
  return (
    <Button icon="pause" onPress={() => void actions.pauseDownload()}>
      Pause
    </Button>
  );
}

function Resume() {
  const { actions } = usePage();
  return (
    <Button kind="primary" icon="play" onPress={() => void actions.loadModel()}>
      Resume
    </Button>
  );
}

/** What could not be done although the model works. */
function Warning({
  model: { warning },
  onFreeSpace,
}: {
  readonly model: ModelState;
  readonly onFreeSpace: () => void;
}) {
  if (!warning) return null;
  const full = warning.code === "storage-full";
  return (
    <Notice
      tone="warn"
      title={
        full
          ? "There is no room to keep this model; it works until the tab closes"
          : "The model works, with one exception"
      }
      actions={full && <Button onPress={onFreeSpace}>Free space</Button>}
    >
      <p>{warning.message}</p>
      {warning.hint && <p>{warning.hint}</p>}
    </Notice>
  );
}
