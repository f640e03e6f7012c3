/** What will train and what will not, as a picture of the model's layers. */
import { useMemo } from "react";
import { Section } from "../../kit/card.tsx";
import { LayerPicture } from "../../kit/charts/layer-picture.tsx";
import { Explain } from "../../kit/explain.tsx";
import { useAppState } from "../../state/page.tsx";
import { layerMap, layerSummary } from "./layers.ts";

export function LayersPart() {
  const plan = useAppState((state) => state.plan);
  const total = useAppState((state) => state.model.facts?.parameters ?? null);
  const waiting = useAppState(({ planError }) =>
    planError ? "Shown once the memory plan can be made." : "Shown once a model and a dataset are chosen.",
  );
  const map = useMemo(() => (plan ? layerMap(plan) : null), [plan]);
  return (
    <Section
      title="What will train"
      explain={
        <Explain term="LoRA adapter">
          The model itself stays as it is. Each layer named here gets two small matrices beside it, and only these
          learn: they are the file you take away.
        </Explain>
      }
    >
      {plan && map && map.layers > 0 ? (
        <LayerPicture title="Linear layers by block" {...map} summary={layerSummary(plan, total)} />
      ) : (
        <p className="k-soft">{plan ? layerSummary(plan, total) : waiting}</p>
      )}
    </Section>
  );
}
