/** `count` ids, numbered from `start` (default 1) with as many digits as the last one needs: "pump-01" to "pump-12". */
export function numberedIds(prefix: string, count: number, start = 1): string[] {
  const width = String(start + count - 1).length;
  return Array.from({ length: count }, (_, n) => `${prefix}${String(start + n).padStart(width, "0")}`);
}
