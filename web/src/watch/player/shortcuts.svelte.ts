const KEY = "streamforge.keys";

let areOn = $state(recall());

/**
 * Whether keys command the player wherever on the page they are pressed. They can be switched off, for
 * [who talks to a computer or hits keys by accident](https://www.w3.org/WAI/WCAG22/Understanding/character-key-shortcuts).
 */
export const shortcuts = {
  get areOn(): boolean {
    return areOn;
  },
  set areOn(on: boolean) {
    areOn = on;
    keep(on);
  },
};

function recall(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

function keep(on: boolean): void {
  try {
    if (on) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, "off");
  } catch {
    // It holds as long as the page.
  }
}
