// Bundles web/src into web/dist: index.html, app.js, app.css, favicon.svg. Called by `npm run build`, by CMake and by dev/.
// usage: node build.mjs [OUT_DIR]      (the same input yields the same bytes: no dates, no source map)
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "dist"));

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: "none",
  target: ["es2020", "chrome90", "firefox90", "safari15"],
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
});
for (const file of ["index.html", "favicon.svg"]) await copyFile(join(here, "src", file), join(out, file));
