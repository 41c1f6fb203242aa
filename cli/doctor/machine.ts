import { statfsSync } from "node:fs";
import type { StateFiles } from "../state-directory.ts";
import type { Finding } from "./examine.ts";

export function examineNode(): Finding[] {
  return [
    {
      level: "ok",
      check: "node",
      message: `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}`,
    },
  ];
}

const mebibyte = 2 ** 20;
const scarceBytes = 256 * mebibyte;

/** A full disk stops issuing, revoking and every QoS 1 message. */
export function examineDisk(files: StateFiles): Finding[] {
  const { bavail, bsize } = statfsSync(files.directory);
  const free = bavail * bsize;
  const message = `${Math.floor(free / mebibyte)} MiB free`;
  if (free >= scarceBytes) return [{ level: "ok", check: "disk", message }];
  return [
    { level: "warning", check: "disk", message, next: "make room: a full disk stops issuing and messages" },
  ];
}
