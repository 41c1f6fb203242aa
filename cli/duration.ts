const day = 24 * 60 * 60 * 1000;

/** "in 89 days", "3 hours ago": the distance of `time` from `now`, for people. */
export function relativeTime(time: Date, now: Date): string {
  const distance = time.getTime() - now.getTime();
  const size = Math.abs(distance);
  const [count, unit] =
    size >= 2 * day
      ? [size / day, "days"]
      : size >= 2 * 3_600_000
        ? [size / 3_600_000, "hours"]
        : size >= 120_000
          ? [size / 60_000, "minutes"]
          : [size / 1000, "seconds"];
  return distance >= 0 ? `in ${Math.floor(count)} ${unit}` : `${Math.floor(count)} ${unit} ago`;
}

/** `2026-11-23 14:05Z`. */
export function shortTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")}Z`;
}
