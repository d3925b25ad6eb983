// Numbers and times in words, the same everywhere.

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];

/** `1.4 GB`: decimal units, as file managers show them. */
export function bytes(count: number): string {
  const step = count < 1 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), BYTE_UNITS.length - 1);
  const value = count / 1000 ** step;
  const digits = step === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[step]}`;
}

/** `1:02:09` or `3:07`: a length, or a place in a video. */
export function clock(secs: number): string {
  const whole = Math.max(0, Math.floor(secs));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `2 min left`: rough, because a guess that counts every second pretends to know more than it does. */
export function timeLeft(secs: number): string {
  if (secs < 5) return "a few seconds left";
  if (secs < 60) return `${Math.ceil(secs / 5) * 5} s left`;
  const minutes = Math.round(secs / 60);
  if (minutes < 60) return `${minutes} min left`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return rest > 0 ? `${hours} h ${rest} min left` : `${hours} h left`;
}

/** `43 %`: never 100 before all is done. */
export function percent(share: number): string {
  const whole = share >= 1 ? 100 : Math.min(Math.floor(share * 100), 99);
  return `${Math.max(whole, 0)} %`;
}

/** `43 % · 2 min left`: how far something is, and for how long it goes on, where that is known. */
export function progressWords(share: number, etaSecs?: number | null): string {
  return etaSecs == null ? percent(share) : `${percent(share)} · ${timeLeft(etaSecs)}`;
}

const DAY_MS = 86_400_000;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const thisYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const otherYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** `3 minutes ago`, `yesterday`, `12 Nov`: how long ago, while that says more than a date. */
export function since(date: Date, now: Date): string {
  const minutes = Math.round((now.getTime() - date.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return relative.format(-minutes, "minute");
  const days = Math.round((startOfDay(now) - startOfDay(date)) / DAY_MS);
  if (days === 0) return relative.format(-Math.round(minutes / 60), "hour");
  if (days < 7) return relative.format(-days, "day");
  return (date.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(date);
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** `1 video`, `3 videos`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
