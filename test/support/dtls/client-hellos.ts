import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hex } from "./hex.ts";

/** A ClientHello of another program: see the README beside the files. */
export interface CapturedClientHello {
  readonly name: string;
  /** Whole datagrams. */
  readonly first: Uint8Array;
  readonly withCookie: Uint8Array;
  readonly seenByTshark: Readonly<Record<string, string | number | undefined>>;
}

const folder = join(import.meta.dirname, "../../vectors/dtls-client-hellos");

export const capturedClientHellos: readonly CapturedClientHello[] = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => {
    const { first, withCookie, seenByTshark } = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return { name: file.slice(0, -5), first: hex(first), withCookie: hex(withCookie), seenByTshark };
  });
