// The page at `/`: the models, and a form for each generator. All text of models goes through hono's escaping template;
// the page has no scripts.
import type { Manifest } from '@forja/core';
import { html } from 'hono/html';
import type { Limits } from './limits.js';
import type { ServedModel } from './models.js';

type Html = ReturnType<typeof html>;

/** The page. */
export function indexPage(models: readonly ServedModel[], limits: Limits): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Forja</title>
        <style>
          body {
            font:
              15px/1.5 system-ui,
              sans-serif;
            max-width: 46rem;
            margin: 2rem auto;
            padding: 0 1rem;
          }
          code,
          input,
          select {
            font: inherit;
            font-family: ui-monospace, monospace;
          }
          input {
            width: 6rem;
          }
          table {
            border-collapse: collapse;
          }
          td {
            padding: 0.1rem 1rem 0.1rem 0;
            vertical-align: top;
          }
        </style>
      </head>
      <body>
        <h1>Forja</h1>
        <p>
          <a href="/v1/models">models</a> · <a href="/v2">Open Inference Protocol</a> · <a href="/metrics">metrics</a> ·
          <a href="/v2/health/ready">ready</a>
        </p>
        ${models.map((model) => section(model, limits))}
      </body>
    </html> `;
}

function section({ name, loaded }: ServedModel, { count }: Limits): Html {
  if (!loaded)
    return html`<h2>${name}</h2>
      <p>not ready</p>`;
  const { manifest, device } = loaded;
  return html`<h2>${name}</h2>
    <table>
      ${rowsOf(manifest).map(
        ([key, value]) =>
          html`<tr>
            <td>${key}</td>
            <td>${value}</td>
          </tr>`,
      )}
      <tr>
        <td>runs on</td>
        <td>${device.actual}</td>
      </tr>
    </table>
    ${manifest.kind === 'latent' ? form(name, manifest, count) : ''}`;
}

function rowsOf({ kind, inputs, outputs, producer, license, trainedOn }: Manifest): (readonly [string, string])[] {
  const ports = (list: readonly { name: string; dtype: string; shape: readonly (number | string)[] }[]): string =>
    list.map(({ name, dtype, shape }) => `${name} ${dtype}[${shape.join(', ')}]`).join('; ');
  const rows = [
    ['kind', kind],
    ['inputs', ports(inputs)],
    ['outputs', ports(outputs)],
    ['producer', producer],
    ['licence', license],
    ['trained on', trainedOn],
  ] as const;
  return rows.flatMap(([key, value]) => (value === undefined || value === '' ? [] : [[key, value] as const]));
}

function form(model: string, { inputs }: Manifest, count: number): Html {
  const label = inputs.find(({ role }) => role === 'label');
  const classes =
    label &&
    (label.classes
      ? html`<select name="label">
          <option value="">each in turn</option>
          ${label.classes.map((name, i) => html`<option value="${i}">${name}</option>`)}
        </select>`
      : html`<input name="label" />`);
  const word = inputs.find(({ role }) => role === 'text')?.vocabulary?.[1];
  return html`<form action="/v1/images">
    <input type="hidden" name="model" value="${model}" /> <label>seed <input name="seed" value="0" /></label>
    <label>count <input name="count" type="number" min="1" max="${count}" value="${Math.min(16, count)}" /></label>
    ${classes ? html`<label>label ${classes}</label>` : ''}
    ${word === undefined ? '' : html`<label>text <input name="text" value="${word}" /></label>`}
    <label>truncation <input name="truncation" /></label>
    <button>draw</button>
  </form>`;
}
