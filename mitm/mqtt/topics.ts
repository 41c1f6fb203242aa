/** Topics and topic filters of MQTT 3.1.1 §4.7, and where a target has its devices' topics. */

import type { GatewayTarget } from "../targets.ts";

export interface DeviceTopics {
  /** Filter of what the device publishes: "devices/d1/up/#". */
  readonly publish: string;
  /** Filter of what the device is told: "devices/d1/down/#". */
  readonly subscribe: string;
}

/** Where a device may publish and subscribe; Sallyport's own layout where the target says nothing else. */
export function topicsOf(target: Pick<GatewayTarget, "topics">, deviceId: string): DeviceTopics {
  return (
    target.topics?.(deviceId) ?? {
      publish: `devices/${deviceId}/up/#`,
      subscribe: `devices/${deviceId}/down/#`,
    }
  );
}

/** A topic name that a filter matches, `leaf` in place of each wildcard: "devices/d1/up/leaf". */
export function topicUnder(filter: string, leaf: string): string {
  return filter
    .split("/")
    .map((level) => (level === "#" || level === "+" ? leaf : level))
    .join("/");
}

/** Does the filter match the topic name? */
export function matches(filter: string, topic: string): boolean {
  const [outer, inner] = [filter.split("/"), topic.split("/")];
  // [MQTT-4.7.2-1]: no filter that begins with a wildcard matches a topic that begins with "$".
  if (isWildcard(outer[0]) && topic.startsWith("$")) return false;
  for (const [at, level] of outer.entries()) {
    if (level === "#") return true;
    if (at >= inner.length) return false;
    if (level !== "+" && level !== inner[at]) return false;
  }
  return outer.length === inner.length;
}

/** Is every topic that `filter` matches one that `allowed` matches too? "#" alone holds "#". */
export function contains(allowed: string, filter: string): boolean {
  const [outer, inner] = [allowed.split("/"), filter.split("/")];
  if (isWildcard(outer[0]) && filter.startsWith("$")) return false;
  for (const [at, level] of outer.entries()) {
    if (level === "#") return true;
    const asked = inner[at];
    if (asked === undefined || asked === "#") return false;
    if (level !== "+" && level !== asked) return false;
  }
  return outer.length === inner.length;
}

/** [MQTT-4.7.1-2], [MQTT-4.7.1-3]: wildcards stand alone in their level, and "#" comes last. */
export function isFilter(filter: string): boolean {
  const levels = filter.split("/");
  return (
    filter !== "" &&
    levels.every(
      (level, at) => level === "+" || (level === "#" ? at === levels.length - 1 : !/[+#]/.test(level)),
    )
  );
}

function isWildcard(level: string | undefined): boolean {
  return level === "+" || level === "#";
}
