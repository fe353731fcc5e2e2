// The browser of Debian, for the journeys beside this file.
import { createRequire } from "node:module";

// `work`: the folder that holds what npm installed.
export function open(work) {
  const { chromium } = createRequire(`${work}/`)("playwright-core");
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
