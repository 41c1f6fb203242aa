/** Waits for something that events bring about; every wait has a deadline, so the demo ends by itself. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not happen within ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves with the error that `attempt` fails with; throws when it succeeds, which must not be. */
export async function failureOf(attempt: Promise<unknown>, what: string): Promise<Error> {
  try {
    await attempt;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  throw new Error(`${what}, and that must not be`);
}
