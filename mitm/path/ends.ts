/** The two ends that the path lies between. */
export type End = "device" | "gateway";

export function otherEnd(end: End): End {
  return end === "device" ? "gateway" : "device";
}

/** Lets what happens on a path be awaited, so that nobody has to sleep. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Something is not as it was. */
  tell(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves with true as soon as `holds` does, with false after `timeoutMs` or when `signal` fires. */
  until(holds: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (result: boolean) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
        this.#waiting.delete(look);
        resolve(result);
      };
      const look = () => {
        if (holds()) end(true);
      };
      const giveUp = () => end(false);
      const timer = setTimeout(giveUp, timeoutMs);
      if (signal?.aborted === true) return giveUp();
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(look);
    });
  }
}
