/** What one update takes on this device, as one bar, and what to do when that is too much. */
import type { ErrorData } from "../../../core/errors.ts";
import { formatBytes } from "../../../core/units.ts";
import { LinkButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Explain } from "../../kit/explain.tsx";
import { ErrorNotice, Notice } from "../../kit/notice.tsx";
import { StackedBar } from "../../kit/stacked-bar.tsx";
import { useAppState } from "../../state/page.tsx";
import { AdviceButtons } from "./advice-buttons.tsx";
import { memoryAdvice, memoryParts } from "./memory-advice.ts";
import { remedyFor } from "./remedy.ts";

export function MemoryPart() {
  const plan = useAppState((state) => state.plan);
  const error = useAppState((state) => state.planError);
  return (
    <Section
      title="Memory plan"
      explain={
        <Explain term="memory plan">
          Found by running one update without computing anything: every buffer is counted, none is made. The adapter's
          part holds its gradients and the optimizer's two moments as well.
        </Explain>
      }
    >
      {error ? <NotPlanned error={error} /> : plan ? <Plan /> : <NoPlan />}
    </Section>
  );
}

function NotPlanned({ error }: { readonly error: ErrorData }) {
  const config = useAppState((state) => state.config);
  if (error.code !== "update-too-large" || !config) return <ErrorNotice error={error} />;
  const { title, text, advice } = remedyFor(error, { config, saved: false, began: false });
  return (
    <Notice tone="bad" title={title}>
      <p>{text}</p>
      <p className="k-soft">{error.message}</p>
      <AdviceButtons advice={advice} />
    </Notice>
  );
}

function NoPlan() {
  const waiting = useAppState(({ model, data }) => model.facts !== null && data.diagnosis !== null);
  return (
    <p className="k-soft">{waiting ? "The plan is being made." : "Shown once a model and a dataset are chosen."}</p>
  );
}

function Plan() {
  const plan = useAppState((state) => state.plan);
  const config = useAppState((state) => state.config);
  if (!plan) return null;
  const { verdict, budgetBytes, checkpointing } = plan;
  return (
    <div className="k-stack">
      <StackedBar
        title="On the GPU"
        parts={memoryParts(plan)}
        limit={budgetBytes}
        limitLabel="This device, about"
        format={formatBytes}
      />
      {checkpointing && (
        <p className="k-soft k-small">
          Activations are recomputed in the backward pass: less memory, about a third more time.
        </p>
      )}
      {verdict !== "fits" && (
        <Notice
          tone={verdict === "tight" ? "warn" : "bad"}
          title={verdict === "tight" ? "This may not fit beside other programs" : "This does not fit on this device"}
          actions={<LinkButton href="#model">Choose a smaller model</LinkButton>}
        >
          {config && <AdviceButtons advice={memoryAdvice(config, checkpointing)} />}
        </Notice>
      )}
    </div>
  );
}
