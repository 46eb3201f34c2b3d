/** Reads a CSV file piece by piece and writes one; the parser is loaded when a file comes. */

import type { Line } from "./scoring";

export interface Piece {
  readonly headings: readonly string[];
  readonly lines: readonly Line[];
  /** How much of the file is read, from 0 to 1. */
  readonly share: number;
}

/** Bytes that are read at once. */
const PIECE_BYTES = 256 * 1024;

/** Hand every piece to `each` and wait for it before reading on; ends early when it is aborted. */
export async function readCsv(
  file: File,
  signal: AbortSignal,
  each: (piece: Piece) => Promise<void>,
): Promise<void> {
  const { default: Papa } = await import("papaparse");
  await new Promise<void>((resolve, reject) => {
    Papa.parse<Record<string, string>>(file, {
      header: true,
      skipEmptyLines: "greedy",
      chunkSize: PIECE_BYTES,
      chunk: ({ data, meta }, parser) => {
        parser.pause();
        const share = file.size ? Math.min(1, meta.cursor / file.size) : 1;
        each({ headings: meta.fields ?? [], lines: data, share }).then(
          () => (signal.aborted ? parser.abort() : parser.resume()),
          (error) => {
            reject(error);
            parser.abort();
          },
        );
      },
      complete: () => resolve(),
      error: reject,
    });
  });
}

/** Offer lines as a CSV file to be saved. */
export async function saveCsv(name: string, lines: readonly object[]): Promise<void> {
  const { default: Papa } = await import("papaparse");
  const text = Papa.unparse([...lines], { newline: "\n" });
  const address = URL.createObjectURL(new Blob([text, "\n"], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
