/** What one update takes on this device, as one bar, and what to do when that is too much. */
import type { ErrorData } from "../../../core/errors.ts";
import { formatBytes } from "../../../core/units.ts";
import { recomputedWords } from "../../../train/memory-parts.ts";
import { LinkButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Explain } from "../../kit/explain.tsx";
import { ErrorNotice, Notice } from "../../kit/notice.tsx";
import { StackedBar } from "../../kit/stacked-bar.tsx";
import { useAppState } from "../../state/page.tsx";
import { AdviceButtons } from "./advice-buttons.tsx";
import { barParts, memoryAdvice } from "./memory-advice.ts";
import { remedyFor } from "./remedy.ts";

export function MemoryPart() {
  const plan = useAppState((state) => state.plan);
  const error = useAppState((state) => state.planError);
  return (
    <Section
      title="Memory plan"
      explain={
        <Explain term="memory plan">
          Found by running one update without computing anything: every buffer is counted, none is made. The parts are
          those of the moment that needs the most. The adapter's holds its gradients and the optimizer's two moments as
          well; snapshots are what a run that diverges is put back to.
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
  const { verdict, budgetBytes, blocks } = plan;
  const again = recomputedWords(blocks);
  return (
    <div className="k-stack">
      <StackedBar
        title="On the GPU"
        parts={barParts(plan)}
        limit={budgetBytes}
        limitLabel="This device, about"
        format={formatBytes}
      />
      {again && (
        <p className="k-soft k-small">
          The backward pass {again} instead of keeping their activations: less memory, for one more forward of each.
        </p>
      )}
      {verdict !== "fits" && (
        <Notice
          tone={verdict === "tight" ? "warn" : "bad"}
          title={verdict === "tight" ? "This may not fit beside other programs" : "This does not fit on this device"}
          actions={<LinkButton href="#model">Choose a smaller model</LinkButton>}
        >
          {config && <AdviceButtons advice={memoryAdvice(config, blocks.recomputed === blocks.all)} />}
        </Notice>
      )}
    </div>
  );
}
