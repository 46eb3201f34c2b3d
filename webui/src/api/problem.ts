/** What the API refused, as RFC 9457 has it, and what kept it from being asked. */

export interface RowError {
  readonly row: number;
  readonly column?: string | null;
  readonly reason: string;
}

/** An answer that is none: `status` 0 when nobody answered. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail = "",
    readonly errors: readonly RowError[] = [],
    readonly errorCount = errors.length,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }
}

/** The problem in an answer's body; one that is no problem+json is told by its status. */
export function problemOf(status: number, text: string): Problem {
  const content = parsed(text);
  if (status === 401) return new Problem(401, "The key was refused", "Enter the key again.");
  const title = typeof content.title === "string" ? content.title : `The API answered ${status}`;
  const detail = typeof content.detail === "string" ? content.detail : "";
  const errors = Array.isArray(content.errors) ? content.errors.filter(isRowError) : [];
  const counted = typeof content.error_count === "number" ? content.error_count : errors.length;
  return new Problem(status, title, detail, errors, counted);
}

/** Whatever went wrong, as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, "Something went wrong on this page", String(error));
}

function isRowError(value: unknown): value is RowError {
  return typeof value === "object" && value !== null && "row" in value && "reason" in value;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === "object" && content !== null ? { ...content } : {};
  } catch {
    return {};
  }
}
