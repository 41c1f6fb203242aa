import { GatewayError } from "./errors.ts";
import { defaultLimits } from "./limits.ts";
import { contains, isFilter, isTopic, matches, type TopicLimits } from "./topics.ts";

/** What one kind of identity, or one group, may do. Topic templates are filters that may hold `{id}` or `{group}` as whole levels. */
export interface AccessRules {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  /** May messages be retained? Default true. A group's word, where it has one, goes before its kind's. */
  readonly retain?: boolean;
}

/**
 * Who may publish and subscribe where; what no rule allows is denied. A peer has the rules of its kind and
 * those of its group together. A kind left out keeps its default; `{}` gives it nothing.
 */
export interface AccessPolicy {
  readonly device?: AccessRules;
  readonly operator?: AccessRules;
  readonly groups?: Readonly<Record<string, AccessRules>>;
}

export const defaultAccess: AccessPolicy = {
  device: { publish: ["devices/{id}/up/#"], subscribe: ["devices/{id}/down/#"] },
  operator: { publish: ["devices/+/down/#"], subscribe: ["devices/#"] },
};

/** The part of an identity that access depends on. */
export interface AccessSubject {
  readonly kind: "device" | "operator";
  readonly id: string;
  readonly group?: string | undefined;
}

/** A policy that was checked and split into levels, once. */
export class Access {
  readonly #kinds: Readonly<Record<"device" | "operator", CompiledRules>>;
  readonly #groups: ReadonlyMap<string, CompiledRules>;
  readonly #limits: TopicLimits;

  /** @throws GatewayError GATEWAY_ACCESS_INVALID, naming the path of what is wrong. */
  constructor(policy: unknown = defaultAccess, limits: TopicLimits = defaultLimits) {
    this.#limits = limits;
    const { device, operator, groups } = record(policy, "access", ["device", "operator", "groups"]);
    this.#kinds = {
      device: compile(device ?? defaultAccess.device, "access.device", false),
      operator: compile(operator ?? defaultAccess.operator, "access.operator", true),
    };
    const named = groups === undefined ? {} : record(groups, "access.groups");
    this.#groups = new Map(
      Object.entries(named).map(([name, rules]) => [name, compile(rules, `access.groups.${name}`, false)]),
    );
  }

  /** What `subject` may do under this policy. */
  rightsOf(subject: AccessSubject): Rights {
    const kind = this.#kinds[subject.kind];
    const group = subject.group === undefined ? undefined : this.#groups.get(subject.group);
    const fill = (templates: readonly string[][]) =>
      templates.map((levels) => fillIn(levels, subject)).filter((levels) => levels !== undefined);
    return new Rights(
      fill([...kind.publish, ...(group?.publish ?? [])]),
      fill([...kind.subscribe, ...(group?.subscribe ?? [])]),
      group?.retain ?? kind.retain ?? true,
      this.#limits,
    );
  }
}

/** Verdicts remembered per session and direction, for topics no longer than this. */
const rememberedTopics = 256;
const rememberedTopicLength = 256;

/** One identity's rights. Whatever is no well-formed topic or filter within the limits is denied. */
export class Rights {
  readonly #publish: ReadonlyArray<readonly string[]>;
  readonly #subscribe: ReadonlyArray<readonly string[]>;
  readonly #published = new Map<string, boolean>();
  readonly #received = new Map<string, boolean>();
  readonly #limits: TopicLimits;
  readonly mayRetain: boolean;

  constructor(
    publish: ReadonlyArray<readonly string[]>,
    subscribe: ReadonlyArray<readonly string[]>,
    mayRetain: boolean,
    limits: TopicLimits,
  ) {
    this.#limits = limits;
    this.#publish = publish;
    this.#subscribe = subscribe;
    this.mayRetain = mayRetain;
  }

  mayPublish(topic: string): boolean {
    return this.#remembered(this.#published, topic, this.#publish);
  }

  /** May a message of this topic be delivered? Asked again on every delivery, for rights change. */
  mayReceive(topic: string): boolean {
    return this.#remembered(this.#received, topic, this.#subscribe);
  }

  /** Is every topic that the filter matches allowed? One template must hold the whole filter. */
  maySubscribe(filter: string): boolean {
    if (!isFilter(filter, this.#limits)) return false;
    const levels = filter.split("/");
    return this.#subscribe.some((template) => contains(template, levels));
  }

  #remembered(
    verdicts: Map<string, boolean>,
    topic: string,
    filters: ReadonlyArray<readonly string[]>,
  ): boolean {
    const known = verdicts.get(topic);
    if (known !== undefined) return known;
    const levels = topic.split("/");
    const verdict = isTopic(topic, this.#limits) && filters.some((filter) => matches(filter, levels));
    if (topic.length <= rememberedTopicLength) {
      if (verdicts.size >= rememberedTopics) verdicts.clear();
      verdicts.set(topic, verdict);
    }
    return verdict;
  }
}

interface CompiledRules {
  readonly publish: readonly string[][];
  readonly subscribe: readonly string[][];
  readonly retain: boolean | undefined;
}

function compile(value: unknown, path: string, mayNameDollar: boolean): CompiledRules {
  const { publish, subscribe, retain } = record(value, path, ["publish", "subscribe", "retain"]);
  if (retain !== undefined && typeof retain !== "boolean")
    throw invalid(`${path}.retain`, "must be a boolean");
  return {
    publish: templates(publish, `${path}.publish`, false),
    subscribe: templates(subscribe, `${path}.subscribe`, mayNameDollar),
    retain,
  };
}

function templates(value: unknown, path: string, mayNameDollar: boolean): string[][] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(path, "must be a list of topic templates");
  return value.map((template: unknown, at) => {
    const where = `${path}[${at}]`;
    if (typeof template !== "string" || !isFilter(template, { topicBytes: 1024, topicLevels: 100 })) {
      throw invalid(where, "is not a topic filter");
    }
    const levels = template.split("/");
    const odd = levels.find((level) => /[{}]/.test(level) && level !== "{id}" && level !== "{group}");
    if (odd !== undefined)
      throw invalid(where, `"${odd}": only {id} and {group} are filled in, as whole levels`);
    if (template.startsWith("$") && !mayNameDollar) {
      throw invalid(where, "only what operators subscribe to may begin with $");
    }
    if (template.startsWith("$share/")) throw invalid(where, "shared subscriptions are not offered");
    return levels;
  });
}

/** The template with the subject's names in it, or undefined where a name is missing or would break out of its level. */
function fillIn(levels: readonly string[], subject: AccessSubject): string[] | undefined {
  const filled: string[] = [];
  for (const level of levels) {
    const name = level === "{id}" ? subject.id : level === "{group}" ? (subject.group ?? "") : undefined;
    if (name !== undefined && (name === "" || /[/+#$\p{Cc}]/u.test(name))) return undefined;
    filled.push(name ?? level);
  }
  return filled;
}

function record(value: unknown, path: string, keys?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(path, "must be an object");
  }
  const unknownKey = keys && Object.keys(value).find((key) => !keys.includes(key));
  if (unknownKey !== undefined)
    throw invalid(`${path}.${unknownKey}`, `is not known here; ${keys?.join(", ")} are`);
  return { ...value };
}

function invalid(path: string, what: string): GatewayError {
  return new GatewayError("GATEWAY_ACCESS_INVALID", `${path} ${what}`);
}
