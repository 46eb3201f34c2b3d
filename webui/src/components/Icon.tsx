/** Small line icons; decoration only, what they mean is always said in words beside them. */

const PATHS = {
  models: "M4 17l5-6 4 3 7-9M4 21h16",
  rollout: "M4 6h6a4 4 0 014 4v4a4 4 0 004 4h2M17 15l3 3-3 3M4 18h5",
  runs: "M12 7v5l3 2M12 3a9 9 0 110 18 9 9 0 010-18z",
  decisions: "M5 5h14M5 10h9M5 15h14M5 20h6",
  predict: "M12 3v3M12 18v3M3 12h3M18 12h3M8 12a4 4 0 118 0 4 4 0 01-8 0z",
  key: "M8 11.5a3.75 3.75 0 110 7.5 3.75 3.75 0 010-7.5zM10.8 12.6L19 4.5M15.5 8l3 3",
  sun: "M12 4V2M12 22v-2M4 12H2M22 12h-2M6 6L5 5M19 19l-1-1M18 6l1-1M5 19l1-1M8 12a4 4 0 118 0 4 4 0 01-8 0z",
  moon: "M20 14.5A8 8 0 119.5 4a6.5 6.5 0 0010.5 10.5z",
  close: "M6 6l12 12M18 6L6 18",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
  out: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  chevron: "M9 6l6 6-6 6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: the sun over the horizon at twelve. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-field" width="32" height="32" rx="8" />
      <circle class="mark-sun" cx="16" cy="13" r="5.5" />
      <path class="mark-horizon" d="M6 23h20" />
    </svg>
  );
}
