/** The icons: 16-unit line drawings in the colour of the text around them. */
import "./icon.css";

const PATHS = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  "check-circle": "M8 1.75a6.25 6.25 0 110 12.5a6.25 6.25 0 010-12.5M5.25 8.25l2 2 3.5-4",
  "cross-circle": "M8 1.75a6.25 6.25 0 110 12.5a6.25 6.25 0 010-12.5M6 6l4 4M10 6l-4 4",
  warning: "M8 2l6.5 11.5h-13zM8 6.5v3.25M8 11.6v.05",
  info: "M8 1.75a6.25 6.25 0 110 12.5a6.25 6.25 0 010-12.5M8 7.25v3.75M8 4.9v.05",
  circle: "M8 2.25a5.75 5.75 0 110 11.5a5.75 5.75 0 010-11.5",
  dot: "M8 6.5a1.5 1.5 0 110 3a1.5 1.5 0 010-3",
  target: "M8 2.25a5.75 5.75 0 110 11.5a5.75 5.75 0 010-11.5M8 6a2 2 0 110 4a2 2 0 010-4",
  half: "M8 2.25a5.75 5.75 0 110 11.5a5.75 5.75 0 010-11.5",
  table: "M2 3h12v10h-12zM2 6.5h12M6.25 6.5v6.5",
  spinner: "M8 2.25a5.75 5.75 0 015.75 5.75",
  "chevron-down": "M4 6l4 4 4-4",
  "chevron-right": "M6 4l4 4-4 4",
  "chevron-left": "M10 4l-4 4 4 4",
  question: "M6 6.1a2 2 0 114 .1c0 1.4-2 1.5-2 3M8 11.7v.05",
  copy: "M6 5.5h7.5v8h-7.5zM3.5 10.5h-1v-8h7.5v1",
  download: "M8 2v8M4.75 7l3.25 3.25 3.25-3.25M2.75 13.25h10.5",
  upload: "M8 10.25v-8M4.75 5.25l3.25-3.25 3.25 3.25M2.75 13.25h10.5",
  file: "M4 1.75h5l3 3v9.5h-8zM9 1.75v3h3",
  folder: "M1.75 3.5h4.5l1.5 1.75h6.5v7.5h-12.5z",
  play: "M5 3l8 5-8 5z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  stop: "M4 4h8v8h-8z",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  up: "M8 12.5v-9M4.5 7l3.5-3.5 3.5 3.5",
  lock: "M3.5 7h9v6.5h-9zM5.25 7v-2a2.75 2.75 0 015.5 0v2",
  refresh: "M13 8a5 5 0 11-1.6-3.7M13.25 2v3h-3",
  trash: "M2.75 4.25h10.5M6.25 4v-1.75h3.5v1.75M4.25 4.5l.6 9.25h6.3l.6-9.25",
  external: "M6.5 3.5h-3v9h9v-3M9 2.5h4.5v4.5M13.25 2.75l-6 6",
  eye: "M1.5 8s2.4-4.25 6.5-4.25S14.5 8 14.5 8 12.1 12.25 8 12.25 1.5 8 1.5 8zM8 6.25a1.75 1.75 0 110 3.5a1.75 1.75 0 010-3.5",
  sun: "M8 5a3 3 0 110 6a3 3 0 010-6M8 1.25v1.5M8 13.25v1.5M1.25 8h1.5M13.25 8h1.5M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1",
  moon: "M13.5 9.5a6 6 0 01-7-7a6 6 0 107 7z",
} as const;

/** What lies under the lines: a filled half, the pale ring of the spinner. */
const UNDER: Partial<Record<keyof typeof PATHS, string>> = {
  half: "M8 2.25a5.75 5.75 0 010 11.5z",
  spinner: "M8 2.25a5.75 5.75 0 110 11.5a5.75 5.75 0 010-11.5",
};

export type IconName = keyof typeof PATHS;

/** An icon. Without `label` it is hidden from assistive technology: the words beside it say the same. */
export function Icon({ name, label }: { readonly name: IconName; readonly label?: string | undefined }) {
  const path = (
    <>
      {UNDER[name] && <path className="k-icon-under" d={UNDER[name]} />}
      <path d={PATHS[name]} />
    </>
  );
  if (label === undefined)
    return (
      <svg className="k-icon" data-icon={name} viewBox="0 0 16 16" aria-hidden="true">
        {path}
      </svg>
    );
  return (
    <svg className="k-icon" data-icon={name} viewBox="0 0 16 16" role="img" aria-label={label}>
      {path}
    </svg>
  );
}
