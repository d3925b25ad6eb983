/**
 * `1 minute 20 seconds`: a time as a screen reader should say it, which would read `1:20` as a time of day.
 */
export function spokenTime(secs: number): string {
  const whole = Math.max(0, Math.floor(secs));
  const parts = [
    counted(Math.floor(whole / 3600), "hour"),
    counted(Math.floor(whole / 60) % 60, "minute"),
    counted(whole % 60, "second"),
  ].filter((part) => part !== undefined);
  return parts.join(" ") || "0 seconds";
}

/** `1 minute 20 seconds of 10 minutes`: the place of a seek bar. */
export function spokenPlace(secs: number, duration: number): string {
  return `${spokenTime(secs)} of ${spokenTime(duration)}`;
}

function counted(count: number, unit: string): string | undefined {
  if (count === 0) return undefined;
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
