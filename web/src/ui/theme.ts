import { createSubscriber } from "svelte/reactivity";

/** What a person can choose; `system` follows the device. */
export type Theme = "system" | "light" | "dark";

/** `public/theme.js` reads it too, before the first paint. */
const KEY = "streamforge.theme";

let notify = (): void => {};

const subscribe = createSubscriber((update) => {
  notify = update;
});

/** The chosen theme. */
export const theme = {
  get chosen(): Theme {
    subscribe();
    const { theme } = document.documentElement.dataset;
    return theme === "light" || theme === "dark" ? theme : "system";
  },
  set chosen(choice: Theme) {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    keep(choice);
    notify();
  },
};

function keep(choice: Theme): void {
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Storage is forbidden or full: the choice holds as long as the page.
  }
}
