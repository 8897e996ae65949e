// Pieces of HTML that the pages of runs are made of. Every text is escaped here.

/** Text as HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** JavaScript that may stand inside a script element: nothing in it ends the element or opens a comment. */
export function inScript(code: string): string {
  return code.replaceAll('</', '<\\/').replaceAll('<!--', '<\\!--');
}

/** A value as JSON that may stand inside a script element. */
export function jsonInScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** A picture with a caption; `html` is not escaped. */
export function figure(caption: string, html: string): string {
  return `<figure>${html}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

/** A table of names and texts. */
export function table(rows: Readonly<Record<string, string>>): string {
  const row = ([key, value]: [string, string]): string =>
    `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`;
  return `<table>${Object.entries(rows).map(row).join('')}</table>`;
}

/** A PNG as an address that holds it. */
export function dataUri(png: Uint8Array): string {
  let text = '';
  for (let i = 0; i < png.length; i += 8192) text += String.fromCharCode(...png.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(text)}`;
}
