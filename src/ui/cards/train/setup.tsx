/** Before training: how long, what it takes, what will train, every setting, and the one button. */
import { lazy, Suspense } from "react";
import type { PresetName } from "../../../train/presets.ts";
import { Columns } from "../../kit/card.tsx";
import { ChoiceCards } from "../../kit/choice-cards.tsx";
import { Details } from "../../kit/details.tsx";
import { Explain } from "../../kit/explain.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { StepSize } from "./findings-part.tsx";
import { changedKnobs } from "./knob-values.ts";
import { LayersPart } from "./layers-part.tsx";
import { MemoryPart } from "./memory-part.tsx";
import { presetChoices } from "./preset-text.ts";
import { ProbesPart } from "./probes-part.tsx";
import { StartPart } from "./start-part.tsx";

// Opened by few.
const Settings = lazy(async () => ({ default: (await import("./settings.tsx")).Settings }));

export function Setup() {
  return (
    <>
      <Presets />
      <Columns>
        <div className="c-train-side">
          <MemoryPart />
          <ProbesPart />
        </div>
        <LayersPart />
      </Columns>
      <Details summary={<SettingsTitle />}>
        <Suspense fallback={<p className="k-soft">The settings are being loaded.</p>}>
          <Settings />
        </Suspense>
      </Details>
      <StepSize />
      <StartPart />
    </>
  );
}

function Presets() {
  const { actions } = usePage();
  const preset = useAppState((state) => state.preset);
  const plan = useAppState((state) => state.plan);
  const config = useAppState((state) => state.config);
  return (
    <ChoiceCards
      label="How long"
      explain={
        <Explain term="update">
          The adapter is changed once per update, after a batch of records has been read. One epoch is one pass over all
          training records.
        </Explain>
      }
      value={preset === "custom" ? null : preset}
      onChange={(name) => actions.choosePreset(name as PresetName)}
      choices={presetChoices(plan, config)}
      columns={3}
    />
  );
}

/** "All settings", and what differs from the defaults. */
function SettingsTitle() {
  const knobs = useAppState((state) => state.knobs);
  const custom = useAppState((state) => state.preset === "custom");
  const problem = useAppState((state) => state.knobProblem !== null);
  const changed = changedKnobs(knobs);
  const words = changed.map(({ label, value }) => `${label.toLowerCase()} ${value}`).join(", ");
  return (
    <span>
      All settings
      {problem ? (
        <span className="c-train-bad"> · one is out of range</span>
      ) : (
        custom && <span className="k-soft"> · {words ? `your own: ${words}` : "all at their defaults"}</span>
      )}
    </span>
  );
}
