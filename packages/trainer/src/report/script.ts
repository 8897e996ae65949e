// The scripts of a report's page, as text: `reportScript` draws the charts with uPlot and handles the grids' slider;
// `liveScript`, in the page of a running training, shows what the run sends.

/** Defines `showReport(message)`, and calls it with the numbers in the page. Later calls update the page. */
export const reportScript: string = String.raw`
(() => {
  const width = Math.min(900, document.body.clientWidth - 32);
  const colours = ['#c0392b', '#2471a3', '#1e8449', '#b9770e', '#7d3c98', '#5d6d7e'];
  const text = (u, v) => (v == null ? '' : v.toPrecision(4));
  const line = (label, i, scale) =>
    ({ label, stroke: colours[i % colours.length], width: 1, scale, spanGaps: true, value: text });
  const mark = (v) => (v !== 0 && Math.abs(v) < 0.01 ? v.toExponential(1) : String(v));
  const axis = (scale, side) =>
    ({ scale, side, size: 70, values: (u, marks) => marks.map(mark), grid: { show: side === 3 } });
  // what D gets right: one half is where it cannot tell
  const half = (u) => {
    u.ctx.fillStyle = '#888';
    u.ctx.fillRect(u.bbox.left, u.valToPos(0.5, 'y', true), u.bbox.width, 1);
  };
  let best = null;
  const bestLine = (u) => {
    if (best === null) return;
    u.ctx.fillStyle = '#1e8449';
    u.ctx.fillRect(u.valToPos(best, 'x', true) - 1, u.bbox.top, 2, u.bbox.height);
  };

  // A chart that has the same lines as before gets new numbers, and keeps what was zoomed into.
  const change = (plot, data) => {
    const steps = plot.data[0], { min, max } = plot.scales.x;
    const zoomed = min > steps[0] || max < steps[steps.length - 1];
    plot.setData(data, !zoomed);
    if (zoomed) plot.redraw();
  };
  const drawn = new Map();
  const showCharts = (section, charts) => {
    const idOf = ({ name, options }) => [section.id, name, ...options.series.map(({ label }) => label)].join('\n');
    const wanted = new Set(charts.map(idOf));
    for (const [id, { box, plot }] of drawn) {
      if (box.parentNode !== section || wanted.has(id)) continue;
      plot.destroy();
      box.remove();
      drawn.delete(id);
    }
    charts.forEach((chart, place) => {
      const { name, titled, options, data } = chart, id = idOf(chart);
      if (drawn.has(id)) change(drawn.get(id).plot, data);
      else {
        const box = document.createElement('div');
        if (titled) box.appendChild(document.createElement('h2')).textContent = name;
        section.insertBefore(box, section.children[place] || null);
        drawn.set(id, { box, plot: new uPlot(options, data, box) });
      }
      const { box } = drawn.get(id);
      if (section.children[place] !== box) section.insertBefore(box, section.children[place]);
    });
  };
  const showPlots = ({ step, columns, charts, scores, best: marked }) => {
    best = marked;
    showCharts(document.getElementById('charts'), charts.map(({ title, left, right, half: shares }) => ({
      name: title,
      titled: true,
      data: [step, ...[...left, ...right].map((name) => columns[name])],
      options: {
        width,
        height: 280,
        scales: { x: { time: false }, ...(shares ? { y: { range: [0, 1] } } : {}) },
        axes: [{}, axis('y', 3), ...(right.length ? [axis('v', 1)] : [])],
        hooks: { draw: shares ? [half] : [] },
        series: [
          { label: 'step' },
          ...left.map((name, i) => line(name, i, 'y')),
          ...right.map((name, i) => line(name, left.length + i, 'v')),
        ],
      },
    })));
    showCharts(document.getElementById('scores'), Object.entries(scores.values).map(([name, column], i) => ({
      name,
      data: [scores.step, column],
      options: {
        width,
        height: 220,
        scales: { x: { time: false } },
        axes: [{}, axis('y', 3)],
        hooks: { draw: [bestLine] },
        series: [{ label: 'step' }, { ...line(name, i, 'y'), points: { show: true } }],
      },
    })));
  };

  const slider = document.getElementById('at'), grids = document.getElementById('grids');
  const showGrid = () => {
    const grid = grids.querySelectorAll('.grid')[slider.value];
    if (!grid) return;
    document.getElementById('current').src = grid.src;
    document.getElementById('label').textContent = grid.alt;
  };
  slider.addEventListener('input', showGrid);
  // A slider at its end follows the newest grid; elsewhere it stays at its step.
  const changeGrids = (changed, steps) => {
    const stepOf = ({ dataset }) => Number(dataset.step);
    const [follows, chosen] = [slider.value === slider.max, grids.children[slider.value]];
    for (const { step, html } of changed) {
      const template = document.createElement('template');
      template.innerHTML = html;
      const all = [...grids.children], old = all.find((one) => stepOf(one) === step);
      if (old) old.replaceWith(template.content);
      else grids.insertBefore(template.content, all.find((one) => stepOf(one) > step) || null);
    }
    for (const one of [...grids.children]) if (!steps.includes(stepOf(one))) one.remove();
    const last = Math.max(0, grids.children.length - 1);
    const place = chosen ? [...grids.children].findIndex((one) => stepOf(one) === stepOf(chosen)) : last;
    slider.max = String(last);
    slider.value = String(follows || place < 0 ? last : place);
    showGrid();
  };

  globalThis.showReport = ({ html = {}, plots, grids: changed, steps }) => {
    for (const [name, piece] of Object.entries(html))
      document.querySelector('[data-part="' + name + '"]').innerHTML = piece;
    if (plots) showPlots(plots);
    if (changed) changeGrids(changed, steps);
  };
  showPlots(JSON.parse(document.getElementById('plots').textContent));
  showGrid();
})();
`;

/** Shows what a run sends, until it has ended. */
export const liveScript: string = String.raw`
(() => {
  const status = document.getElementById('status');
  const say = (text, state) => {
    status.textContent = text;
    status.dataset.state = state;
  };
  const source = new EventSource('events');
  source.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.state !== 'training') source.close();
    say(message.status, message.state);
    showReport(message);
  };
  source.onerror = () => say('no connection to the run: this is what it sent last', 'lost');
})();
`;
