import type { Socket } from "node:net";

/** RFC 8446 §5.1: handshake. */
const handshakeRecord = 22;

/** What a careless end does: it throws away whatever comes before the first record of a handshake. */
export async function firstWords(socket: Socket, timeoutMs: number): Promise<void> {
  const chunk = await new Promise<Buffer | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    socket.once("data", (first: Buffer) => {
      clearTimeout(timer);
      socket.pause();
      resolve(first);
    });
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
  if (chunk === undefined) return;
  const start = chunk.indexOf(handshakeRecord);
  if (start >= 0) socket.unshift(chunk.subarray(start));
}
