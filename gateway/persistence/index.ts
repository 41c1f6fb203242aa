import { type PersistenceOptions, SqlitePersistence } from "./persistence.ts";
import { type FileOptions, memoryStore, openFileStore } from "./store.ts";

export type { PublishedPacket, PublishingClient } from "./inbox.ts";
export { defaultPersistenceLimits, type Overflow, type PersistenceLimits } from "./limits.ts";
export type { PersistenceOptions, Stats } from "./persistence.ts";
export { SqlitePersistence } from "./persistence.ts";
export type { Will } from "./wills.ts";

/**
 * Opens the broker's state; `path` undefined keeps it in memory, under the same bounds and rules.
 * @throws GatewayError GATEWAY_STATE_FAILED, _LOCKED (another process has it), _CORRUPT or _VERSION.
 */
export async function openPersistence(
  path: string | undefined,
  options: PersistenceOptions & FileOptions = {},
): Promise<SqlitePersistence> {
  const { dangerouslySynchronous = "full", dangerouslyPageLimit, onWorker, ...rest } = options;
  const file = {
    dangerouslySynchronous,
    ...(dangerouslyPageLimit === undefined ? {} : { dangerouslyPageLimit }),
    ...(onWorker === undefined ? {} : { onWorker }),
  };
  const now = (options.now ?? Date.now)();
  const store = path === undefined ? memoryStore() : await openFileStore(path, now, file);
  return new SqlitePersistence(store, rest);
}
