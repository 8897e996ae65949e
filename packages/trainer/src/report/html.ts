// Pieces of HTML for the pages of runs. All texts are escaped here.

/** Text as HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** JavaScript made safe to put in a script element: nothing in it ends the element or opens a comment. */
export function inScript(code: string): string {
  return code.replaceAll('</', '<\\/').replaceAll('<!--', '<\\!--');
}

/** A value as JSON that is safe inside a script element. */
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

/** A PNG as a data URI. */
export function dataUri(png: Uint8Array): string {
  let text = '';
  for (let i = 0; i < png.length; i += 8192) text += String.fromCharCode(...png.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(text)}`;
}
