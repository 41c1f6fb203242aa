import { capturedClientHellos } from "../dtls/client-hellos.ts";

/** First ClientHellos of other programs. */
export function captured(): readonly Uint8Array[] {
  return capturedClientHellos.map(({ first }) => first);
}
