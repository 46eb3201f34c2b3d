import { defineConfig } from "vitest/config";

/** Static files only: where the API is stands in config.json, which is read at run time. */
export default defineConfig({
  build: {
    target: "es2022",
    // Since these light-dark() is known; an older target would write each colour out twice.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Every asset is a file of its own: the page's policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "assets/manifest.json",
  },
  server: { host: "127.0.0.1", port: 4280 },
  test: { include: ["tests/**/*.test.ts"] },
});
