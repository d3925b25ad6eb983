import type { IconName } from "./icons";

/** One thing to do in a menu. */
export interface MenuItem {
  label: string;
  icon: IconName;
  /** Whether it takes something away. */
  danger?: boolean;
  run(): void;
}
