import type { Socket } from "node:net";

/**
 * What a broker does that speaks with or without TLS on one port, as the first byte has it: answers a CONNECT in clear.
 * False for anything else, which is put back.
 */
export async function answeredInClear(socket: Socket): Promise<boolean> {
  const first = await new Promise<Buffer | undefined>((resolve) => {
    socket.once("data", (chunk: Buffer) => resolve(chunk));
    socket.once("close", () => resolve(undefined));
  });
  if (first === undefined) return true;
  if (first[0] !== 0x10) {
    socket.pause();
    socket.unshift(first);
    return false;
  }
  // CONNACK, return code 0.
  socket.write(Uint8Array.of(0x20, 2, 0, 0));
  return true;
}
