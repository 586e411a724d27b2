// Adds up what a first visit downloads (HTML, scripts, styles, icon), compressed as the service compresses it,
// and fails above the budget: the dashboard has to open quickly on a phone as well.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const budgetBytes = 200 * 1024;
const root = fileURLToPath(new URL("../dist/page", import.meta.url));

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

let totalBytes = 0;
for (const path of files(root)) {
  const bytes = gzipSync(readFileSync(path), { level: 9 }).length;
  totalBytes += bytes;
  console.log(`${String(bytes).padStart(8)}  ${relative(root, path)}`);
}
console.log(`${String(totalBytes).padStart(8)}  bytes compressed, of ${budgetBytes} allowed`);
if (totalBytes > budgetBytes) {
  process.exit(1);
}
