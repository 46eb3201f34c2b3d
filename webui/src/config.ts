/** Where the API is: config.json is read at run time, so one build serves every place. */

export interface Config {
  /** Origin of the function app; empty for the origin that serves the page. */
  readonly apiUrl: string;
}

/** The configuration of this place. Raises an Error that says what is wrong with the file. */
export async function loadConfig(): Promise<Config> {
  const response = await fetch("/config.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`config.json was answered ${response.status}`);
  return parseConfig(await response.text());
}

/** What config.json says; an Error for one that says no address. */
export function parseConfig(text: string): Config {
  const content: unknown = JSON.parse(text);
  if (typeof content !== "object" || content === null || !("apiUrl" in content))
    throw new Error('config.json must be {"apiUrl": "https://…"}');
  const { apiUrl } = content;
  if (typeof apiUrl !== "string" || !/^(https?:\/\/[^/?#]+)?$/.test(apiUrl))
    throw new Error(`apiUrl in config.json must be an origin such as https://…, not ${apiUrl}`);
  return { apiUrl };
}
