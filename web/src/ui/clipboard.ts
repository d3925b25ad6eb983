/** Puts a text on the clipboard. */
export async function copyText(text: string): Promise<void> {
  // Pages that came by plain HTTP from another machine have no such thing.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  const { activeElement } = document;
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (activeElement instanceof HTMLElement) activeElement.focus();
  if (!isCopied) throw new Error("the browser did not allow copying");
}
