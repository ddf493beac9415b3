/**
 * Builds what the wheel ships, in hastexo_lab/static: two IIFE bundles (the LMS's page has RequireJS), the sheet and
 * the licences of what is in them. `--check` builds to memory and fails where the shipped files differ.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const HERE = new URL("./", import.meta.url);
const STATIC = new URL("../hastexo_lab/static/", HERE);
const THIRD_PARTY = ["@dushixiang/guacamole-common-js"];

const BANNER = "/*! hastexo_lab, Apache-2.0. Other parts: THIRD-PARTY-LICENSES.txt */";

async function bundles() {
  const { outputFiles } = await build({
    absWorkingDir: HERE.pathname,
    entryPoints: ["src/lab.js", "src/desktop.js", "src/lab.css"],
    outdir: "out",
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    // The first of each with light-dark().
    target: ["chrome123", "firefox120", "safari17.5"],
    charset: "utf8",
    legalComments: "none",
    banner: { js: BANNER, css: BANNER },
    logLevel: "warning",
  });
  return outputFiles.map(file => [file.path.split("/").at(-1), file.text]);
}

async function licences() {
  const parts = await Promise.all(
    THIRD_PARTY.map(async name => {
      const { version } = JSON.parse(await readFile(new URL(`node_modules/${name}/package.json`, HERE), "utf8"));
      const notice = await readFile(new URL(`licences/${name.split("/").at(-1)}.txt`, HERE), "utf8");
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
