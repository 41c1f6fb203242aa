/** The algebra of MQTT 3.1.1 §4.7 topics and topic filters. Pure; shared by the access policy and the broker. */

export interface TopicLimits {
  readonly topicBytes: number;
  readonly topicLevels: number;
}

// MQTT-1.5.3-2 forbids NUL and lets a receiver close on control characters and non-characters; U+FFFD is what
// ill-formed UTF-8 decodes to (MQTT-1.5.3-1 has the connection closed), so it is refused as well.
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffd-\uffff]|[\ud800-\udfff]/u;

/** A topic name fit for PUBLISH: no wildcards, within the limits. */
export function isTopic(topic: string, limits: TopicLimits): boolean {
  return isFit(topic, limits) && !topic.includes("+") && !topic.includes("#");
}

/** A topic filter: "+" and "#" stand alone in their level and "#" is last (MQTT-4.7.1-2, MQTT-4.7.1-3). */
export function isFilter(filter: string, limits: TopicLimits): boolean {
  if (!isFit(filter, limits)) return false;
  const levels = filter.split("/");
  return levels.every(
    (level, at) =>
      level === "+" ||
      (level === "#" ? at === levels.length - 1 : !level.includes("+") && !level.includes("#")),
  );
}

/** MQTT 3.1.1 §4.7: does `topic` match the filter of these levels? */
export function matches(filter: readonly string[], topic: readonly string[]): boolean {
  // MQTT-4.7.2-1: a leading wildcard does not match a topic that begins with "$".
  if (isWildcard(filter[0]) && topic[0]?.startsWith("$") === true) return false;
  for (let at = 0; at < filter.length; at += 1) {
    const level = filter[at];
    // "a/#" matches "a" itself too (MQTT 3.1.1 §4.7.1.2).
    if (level === "#") return true;
    if (at >= topic.length) return false;
    if (level !== "+" && level !== topic[at]) return false;
  }
  return filter.length === topic.length || (filter.length === topic.length + 1 && filter.at(-1) === "#");
}

/** Is every topic that `inner` matches matched by `outer` too? Both are valid filters, split into levels. */
export function contains(outer: readonly string[], inner: readonly string[]): boolean {
  if (isWildcard(outer[0]) && inner[0]?.startsWith("$") === true) return false;
  for (let at = 0; at < outer.length; at += 1) {
    const allowed = outer[at];
    if (allowed === "#") return true;
    const asked = inner[at];
    if (asked === undefined) return false;
    // "#" also matches its parent level, which "+/#" does not, except at the root, where there is no parent.
    if (asked === "#") return at === 0 && allowed === "+" && outer[1] === "#";
    if (asked === "+" && allowed !== "+") return false;
    if (allowed !== "+" && allowed !== asked) return false;
  }
  return inner.length === outer.length;
}

function isWildcard(level: string | undefined): boolean {
  return level === "+" || level === "#";
}

function isFit(topic: string, limits: TopicLimits): boolean {
  if (topic === "" || topic.length > limits.topicBytes || forbidden.test(topic)) return false;
  if (Buffer.byteLength(topic) > limits.topicBytes) return false;
  let levels = 1;
  for (let at = topic.indexOf("/"); at !== -1; at = topic.indexOf("/", at + 1)) levels += 1;
  return levels <= limits.topicLevels;
}
