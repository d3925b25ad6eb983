/** What keys do in a menu. */

/** A key that was pressed. */
export type MenuKey = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

/**
 * The place of the item that a key leads to, from the one at place `here` (-1 for none); nothing when the key means none of them. A letter
 * leads to the next item that begins with it.
 */
export function itemFor(
  { key, ...pressed }: MenuKey,
  here: number,
  labels: readonly string[],
): number | undefined {
  const count = labels.length;
  if (count === 0) return undefined;
  switch (key) {
    case "ArrowDown":
      return (here + 1) % count;
    case "ArrowUp":
      return here <= 0 ? count - 1 : here - 1;
    case "Home":
      return 0;
    case "End":
      return count - 1;
  }
  // With one of these it is a shortcut of the browser.
  if (key.length !== 1 || key === " " || pressed.ctrlKey || pressed.metaKey || pressed.altKey)
    return undefined;
  const places = labels.map((_, step) => (here + 1 + step) % count);
  return places.find((place) => labels[place]!.toLowerCase().startsWith(key.toLowerCase()));
}
