import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes on the heap and outside of it that are in use, after collecting what is not. */
export function heapUsed(): number {
  collect();
  const { heapUsed: inside, external } = process.memoryUsage();
  return inside + external;
}

function collect(): void {
  const gc = globalThis.gc ?? exposed();
  // Finalizers run between two collections.
  gc();
  gc();
}

function exposed(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  if (typeof gc !== "function") throw new Error("no garbage collector to call");
  return () => void gc();
}
