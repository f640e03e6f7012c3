/** What was looked at before the first update: the good in one line, the rest with reason, fix and, where it is a setting, a button. */
import type { Finding } from "../../../health/finding.ts";
import { Button } from "../../kit/button.tsx";
import { Details } from "../../kit/details.tsx";
import { Icon } from "../../kit/icon.tsx";
import { Notice } from "../../kit/notice.tsx";
import { TONES } from "../../kit/tone.ts";
import { isRunning } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { LEVEL_TONES } from "../verdict-words.ts";
import { findingsSummary, fixWords, knobFix, sortFindings, stepSizeFinding } from "./findings.ts";

/** Before Start, of the settings as they stand: silent unless something is to be said. */
export function StepSize() {
  const config = useAppState((state) => state.config);
  const model = useAppState((state) => state.model);
  const finding = stepSizeFinding({ config, model });
  if (!finding || finding.level === "good") return null;
  return <FindingNotice finding={finding} />;
}

/** Of a run, what was not as it should be. `onChange`: a setting was changed for the next run. */
export function Problems({ onChange }: { readonly onChange: () => void }) {
  const { others } = sortFindings(useAppState((state) => state.findings));
  if (others.length === 0) return null;
  return (
    <div className="c-train-findings">
      {others.map((finding) => (
        <FindingNotice key={finding.id + finding.title} finding={finding} onChange={onChange} />
      ))}
    </div>
  );
}

/** Of a run, what was as it should be, in one line. */
export function GoodFindings() {
  const findings = useAppState((state) => state.findings);
  const { good } = sortFindings(findings);
  if (good.length === 0) return null;
  return (
    <Details
      summary={
        <span>
          Looked at before the first update
          <span className="k-soft"> · {findingsSummary(findings)}</span>
        </span>
      }
    >
      <ul className="c-train-good">
        {good.map(({ id, title, evidence }) => (
          <li key={id + title}>
            <Icon name={TONES.good.icon} label={TONES.good.word} />
            <p>
              {title}. <span className="k-soft">{evidence}</span>
            </p>
          </li>
        ))}
      </ul>
    </Details>
  );
}

function FindingNotice({ finding, onChange }: { readonly finding: Finding; readonly onChange?: () => void }) {
  const { actions } = usePage();
  const config = useAppState((state) => state.config);
  const parameters = useAppState((state) => state.model.facts?.parameters ?? null);
  // A run under way keeps the settings it began with.
  const running = useAppState(isRunning);
  const fix = running ? null : knobFix(finding, config, parameters);
  const apply = () => {
    if (fix) actions.setKnob(fix.knob, fix.value);
    onChange?.();
  };
  return (
    <Notice
      tone={LEVEL_TONES[finding.level]}
      title={finding.title}
      actions={fix && <Button onPress={apply}>{fix.label}</Button>}
    >
      <p>{finding.evidence}</p>
      {finding.fix && !fix && <p>{fixWords(finding.fix)}</p>}
    </Notice>
  );
}
