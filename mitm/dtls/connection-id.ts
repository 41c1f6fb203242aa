import { randomBytes } from "node:crypto";
import type { Tolerance } from "./tolerance.ts";

let drawn = 0;

/** RFC 9146 §3: the id by which a server finds an association; 8 bytes that nobody can guess, in one that is strict. */
export function drawConnectionId(tolerance: Tolerance): Uint8Array {
  const id = randomBytes(8);
  if (tolerance.lacks("connection-ids-collide")) return new Uint8Array(8).fill(7);
  if (!tolerance.lacks("predictable-connection-ids")) return Uint8Array.from(id);
  drawn += 1;
  const counted = Buffer.alloc(8);
  counted.writeUInt32BE(drawn, 4);
  return Uint8Array.from(counted);
}
