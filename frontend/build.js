/**
 * Builds what the wheel ships, in hastexo_lab/static: IIFE bundles (the LMS's page has RequireJS), the sheet and the
 * licences of what is in them. `--check` builds to memory and fails where the shipped files differ.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const HERE = new URL("./", import.meta.url);
const STATIC = new URL("../hastexo_lab/static/", HERE);
const XTERM = ["xterm", "addon-fit", "addon-search", "addon-unicode11", "addon-web-links"].map(name => `@xterm/${name}`);
/** Package → its licence, here or as the package ships it. */
const THIRD_PARTY = new Map([
  ["@dushixiang/guacamole-common-js", "licences/guacamole-common-js.txt"],
  ...XTERM.map(name => [name, `node_modules/${name}/LICENSE`]),
]);

const BANNER = "/*! hastexo_lab, Apache-2.0. Other parts: THIRD-PARTY-LICENSES.txt */";

/** @type {import("esbuild").BuildOptions} */
const HOW = {
  absWorkingDir: HERE.pathname,
  write: false,
  bundle: true,
  minify: true,
  // The first of each with light-dark().
  target: ["chrome123", "firefox120", "safari17.5"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

/** A sheet that a bundle brings along as text. */
const SHEET_AS_TEXT = {
  name: "sheet-as-text",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, async ({ path, with: how }) => {
      if (how.type !== "text") return undefined;
      const { outputFiles } = await build({ ...HOW, entryPoints: [path] });
      return { contents: outputFiles[0].text.trim(), loader: "text" };
    }),
};

async function bundles() {
  const { outputFiles } = await build({
    ...HOW,
    entryPoints: ["src/lab.js", "src/desktop.js", "src/shell.js", "src/lab.css"],
    outdir: "out",
    format: "iife",
    banner: { js: BANNER, css: BANNER },
    plugins: [SHEET_AS_TEXT],
  });
  return outputFiles.map(file => [file.path.split("/").at(-1), file.text]);
}

async function licences() {
  const parts = await Promise.all(
    [...THIRD_PARTY].map(async ([name, licence]) => {
      const { version } = JSON.parse(await readFile(new URL(`node_modules/${name}/package.json`, HERE), "utf8"));
      const notice = await readFile(new URL(licence, HERE), "utf8");
      return `${name} ${version}\n${"=".repeat(`${name} ${version}`.length)}\n\n${notice}`;
    }),
  );
  return parts.join("\n\n");
}

/** @returns {Promise<Map<string, string>>} name → content */
async function files() {
  return new Map([...(await bundles()), ["THIRD-PARTY-LICENSES.txt", await licences()]]);
}

const sha = text => createHash("sha256").update(text).digest("hex").slice(0, 12);

async function check(built) {
  const shipped = await Promise.all(
    [...built.keys()].map(name => readFile(new URL(name, STATIC), "utf8").catch(() => "")),
  );
  const stale = [...built.keys()].filter((name, i) => built.get(name) !== shipped[i]);
  for (const name of stale) console.error(`hastexo_lab/static/${name} is not what its sources say. Run: npm run build`);
  process.exitCode = stale.length ? 1 : 0;
}

async function write(built) {
  await mkdir(STATIC, { recursive: true });
  for (const [name, text] of built) {
    await writeFile(new URL(name, STATIC), text);
    const kib = bytes => `${(bytes / 1024).toFixed(1)} KiB`;
    console.log(`${name.padEnd(26)} ${kib(Buffer.byteLength(text))}, gzip ${kib(gzipSync(text, { level: 9 }).length)}, ${sha(text)}`);
  }
}

const built = await files();
await (process.argv.includes("--check") ? check(built) : write(built));
