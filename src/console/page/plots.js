// Plots of the last minutes, which share one time axis and one cursor.

/** As many seconds as a plot shows. */
export const SPAN = 300;

/** Samples further apart than this are not joined, in seconds. */
const GAP = 4;

const HEIGHT = 112;
const LEFT = 42;
const RIGHT = 6;
const TOP = 8;
const BOTTOM = 18;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export const time = (seconds) => clock.format(seconds * 1000);

/** An element with attributes and children; texts become text and nothing else. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** The moment that the reader looks at, the same in all plots; null is now. */
export const cursor = {
  at: null,
  changed() {},
  set(at) {
    if (at === this.at) return;
    this.at = at;
    this.changed();
  },
};

/** Where the cursor is among the samples: the last one by default. */
function cursorIndex(samples) {
  if (cursor.at === null) return samples.length - 1;
  let nearest = samples.length - 1;
  samples.forEach((sample, index) => {
    if (Math.abs(sample.at - cursor.at) < Math.abs(samples[nearest].at - cursor.at)) nearest = index;
  });
  return nearest;
}

/** One plot with its legend, which tells the values at the cursor, and its table. */
export class Plot {
  /**
   * `series` gives `[{label, tone, look, value}]` for the samples: `look` is `line`, `dash`, `step`
   * or `area`, `value(sample, previous)` a number or null. `stacked` puts areas on each other.
   * `range` is what the axis shows at least: from 0, or on a logarithmic scale from what is more.
   */
  constructor({ title, format, series, stacked = false, range = [0, 1], rule = null }) {
    Object.assign(this, { title, format, series, stacked, range, rule, samples: [] });
    this.legend = element('ul', { class: 'legend' });
    this.picture = svg('svg', { height: HEIGHT, 'aria-hidden': 'true' });
    this.canvas = element('div', { class: 'canvas', tabindex: 0, role: 'slider', 'aria-label': title, 'aria-orientation': 'horizontal', 'aria-valuemin': -SPAN, 'aria-valuemax': 0, 'aria-valuenow': 0 }, this.picture);
    this.table = element('table');
    this.details = element('details', {}, element('summary', {}, 'Numbers'), this.table);
    this.details.firstChild.setAttribute('aria-label', `${title}: numbers`);
    this.figure = element('figure', { class: 'plot' }, element('figcaption', {}, element('h3', {}, title), this.legend), this.canvas, this.details);
    this.details.addEventListener('toggle', () => this.draw(this.samples));
    follow(this.canvas, () => this.samples, (x) => this.timeAt(x));
  }

  draw(samples) {
    this.samples = samples;
    this.width = this.canvas.clientWidth;
    if (samples.length === 0 || this.width === 0) return;
    this.end = samples[samples.length - 1].at;
    this.lines = this.series(samples).map((line) => ({ ...line, values: samples.map((sample, index) => line.value(sample, samples[index - 1]) ?? null) }));
    if (this.stacked) stack(this.lines);
    this.scale = scale(this.range, this.lines.flatMap((line) => line.tops ?? line.values).filter((value) => value !== null));
    const index = cursorIndex(samples);
    this.picture.setAttribute('width', this.width);
    this.picture.replaceChildren(...this.axes(), ...this.lines.map((line) => this.shape(line)), ...this.mark(index));
    this.tell(index);
    if (this.details.open) this.tabulate();
  }

  x(at) {
    return LEFT + (1 - (this.end - at) / SPAN) * (this.width - LEFT - RIGHT);
  }

  y(value) {
    return TOP + (1 - this.scale.part(value)) * (HEIGHT - TOP - BOTTOM);
  }

  timeAt(x) {
    return this.end - (1 - (x - LEFT) / (this.width - LEFT - RIGHT)) * SPAN;
  }

  axes() {
    const across = (kind, y) => svg('line', { class: kind, x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y });
    const marks = this.scale.marks.flatMap((value) => [
      across('grid', this.y(value)),
      svg('text', { x: LEFT - 6, y: this.y(value) + 4, 'text-anchor': 'end' }, this.format(value)),
    ]);
    const rule = this.rule === null ? [] : [across('rule', this.y(this.rule))];
    return [...marks, across('axis', HEIGHT - BOTTOM), ...rule, ...minutes(this)];
  }

  shape(line) {
    const bases = line.bases ?? line.values.map(() => 0);
    const tops = line.tops ?? line.values;
    const paths = runs(this.samples, line.values).map((run) => {
      const upper = run.map((index) => [this.x(this.samples[index].at), this.y(tops[index])]);
      const edge = path(upper, line.look === 'step');
      if (line.look !== 'area') return svg('path', { class: `${line.look} line`, d: edge });
      const lower = run.map((index) => [this.x(this.samples[index].at), this.y(bases[index])]).reverse();
      const area = svg('path', { class: this.stacked ? 'area full' : 'area', d: `${edge}L${path(lower).slice(1)}Z` });
      return this.stacked ? area : svg('g', {}, area, svg('path', { class: 'line', d: edge }));
    });
    return svg('g', { class: `tone-${line.tone}` }, ...paths);
  }

  /** The cursor, while it is not now. */
  mark(index) {
    if (cursor.at === null) return [];
    const x = this.x(this.samples[index].at);
    return [svg('line', { class: 'cursor', x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM })];
  }

  /** The values at the cursor, for the eye and the ear. */
  tell(index) {
    const texts = this.lines.map((line) => say(this.format, line.values[index]));
    const labels = this.lines.map((line) => line.label).join('\n');
    if (labels !== this.labels) {
      this.labels = labels;
      this.legend.replaceChildren(...this.lines.map((line) => element('li', {}, swatch(line), line.label, ' ', element('b'))));
    }
    this.legend.querySelectorAll('b').forEach((value, number) => { value.textContent = texts[number]; });
    const at = this.samples[index].at;
    this.canvas.setAttribute('aria-valuenow', Math.round(at - this.end));
    this.canvas.setAttribute('aria-valuetext', [time(at), ...this.lines.map((line, number) => `${line.label} ${texts[number]}`)].join(', '));
  }

  tabulate() {
    const row = (kind, ...cells) => element('tr', {}, ...cells.map((cell, index) => element(kind === 'th' || index === 0 ? 'th' : 'td', { scope: kind === 'th' ? 'col' : 'row' }, cell)));
    const rows = this.lines.map((line) => {
      const known = line.values.filter((value) => value !== null);
      const last = line.values[line.values.length - 1];
      return row('td', line.label, ...[last, Math.min(...known), Math.max(...known)].map((value) => say(this.format, known.length ? value : null)));
    });
    this.table.replaceChildren(element('thead', {}, row('th', 'Last 5 min', 'now', 'least', 'most')), element('tbody', {}, ...rows));
  }
}

/** The states of a circuit over time: the more it refuses, the higher, each with its name. */
export class Strip {
  constructor({ title, state }) {
    Object.assign(this, { title, state, samples: [] });
    this.picture = svg('svg', { height: STRIP, role: 'img' });
    this.canvas = element('div', { class: 'canvas' }, this.picture);
    this.now = element('b');
    const legend = element('ul', { class: 'legend' }, ...Object.keys(HEIGHTS).map((state) => element('li', {}, block(state), words(state))));
    this.figure = element('figure', { class: 'plot strip' }, element('figcaption', {}, element('h3', {}, title, ' ', this.now), legend), this.canvas);
    follow(this.canvas, () => this.samples, (x) => Plot.prototype.timeAt.call(this, x));
  }

  draw(samples) {
    this.samples = samples;
    this.width = this.canvas.clientWidth;
    if (samples.length === 0 || this.width === 0) return;
    this.end = samples[samples.length - 1].at;
    const spells = this.spells();
    const index = cursorIndex(samples);
    this.picture.setAttribute('width', this.width);
    this.picture.replaceChildren(...spells.flatMap((spell) => this.block(spell)), ...minutes(this, STRIP), ...this.mark(index));
    const open = spells.filter((spell) => spell.state === 'open').reduce((sum, spell) => sum + spell.to - spell.from, 0);
    const now = words(this.state(samples[samples.length - 1]));
    this.now.textContent = words(this.state(samples[index]));
    this.picture.setAttribute('aria-label', `${this.title}: ${now} now, open for ${Math.round(open)} s of the last 5 minutes`);
  }

  spells() {
    const spells = [];
    this.samples.forEach((sample, index) => {
      const state = this.state(sample);
      const next = this.samples[index + 1]?.at ?? sample.at;
      const to = Math.min(next, sample.at + GAP);
      const last = spells[spells.length - 1];
      if (last && last.state === state && sample.at - last.to < 0.1) last.to = to;
      else spells.push({ state, from: sample.at, to });
    });
    return spells;
  }

  block({ state, from, to }) {
    const x = this.x(from);
    const width = Math.max(this.x(to) - x, 1.5);
    const height = HEIGHTS[state] ?? 2;
    const bottom = STRIP - BOTTOM;
    const rect = svg('rect', { class: `state-${state}`, x, width, y: bottom - height, height });
    const text = words(state);
    if (state === 'closed' || width < text.length * 7 + 8) return [rect];
    return [rect, svg('text', { class: 'spell', x: x + 5, y: bottom - 4 }, text)];
  }

  x(at) {
    return Plot.prototype.x.call(this, at);
  }

  mark(index) {
    if (cursor.at === null) return [];
    const x = this.x(this.samples[index].at);
    return [svg('line', { class: 'cursor', x1: x, x2: x, y1: 0, y2: STRIP - BOTTOM })];
  }
}

const STRIP = 44;
const HEIGHTS = { closed: 3, partial: 14, half_open: 20, open: 26 };

export const words = (state) => String(state ?? 'unknown').replace('_', '-');

function block(state) {
  const height = HEIGHTS[state] / 2;
  return svg('svg', { class: 'swatch', width: 14, height: 13, 'aria-hidden': 'true' }, svg('rect', { class: `state-${state}`, width: 14, y: 13 - height, height }));
}

function swatch({ look, tone }) {
  const shape = look === 'area' ? svg('rect', { class: 'area full', y: 2, width: 14, height: 9 }) : svg('path', { class: `${look} line`, d: 'M0 7H14' });
  return svg('svg', { class: `swatch tone-${tone}`, width: 14, height: 13, 'aria-hidden': 'true' }, shape);
}

/** Has the cursor follow the pointer and the arrow keys. */
function follow(canvas, samples, timeAt) {
  canvas.addEventListener('pointermove', (event) => {
    if (samples().length) cursor.set(timeAt(event.clientX - canvas.getBoundingClientRect().left));
  });
  canvas.addEventListener('pointerleave', () => cursor.set(null));
  canvas.addEventListener('blur', () => cursor.set(null));
  canvas.addEventListener('keydown', (event) => {
    const all = samples();
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: 30, PageDown: -30, Home: -all.length, End: all.length }[event.key];
    if (event.key === 'Escape') cursor.set(null);
    if (step === undefined || all.length === 0) return;
    event.preventDefault();
    const index = Math.min(Math.max(cursorIndex(all) + step, 0), all.length - 1);
    cursor.set(index === all.length - 1 ? null : all[index].at);
  });
}

/** Whole minutes on the time axis, as many as there is room for. */
function minutes(plot, height = HEIGHT) {
  const every = plot.width < 480 ? 120 : 60;
  const labels = [];
  for (let at = Math.ceil((plot.end - SPAN) / every) * every; at <= plot.end; at += every) {
    const x = plot.x(at);
    labels.push(svg('line', { class: 'axis', x1: x, x2: x, y1: height - BOTTOM, y2: height - BOTTOM + 3 }));
    if (x < plot.width - 18) labels.push(svg('text', { x, y: height - 3, 'text-anchor': 'middle' }, minute.format(at * 1000)));
  }
  return labels;
}

/** Puts each line on those before it; where one is unknown, it is nothing. */
function stack(lines) {
  let below = lines[0]?.values.map(() => 0) ?? [];
  for (const line of lines) {
    line.bases = below;
    line.tops = below.map((base, index) => base + (line.values[index] ?? 0));
    below = line.tops;
  }
}

/** The stretches without a gap, as indices. */
function runs(samples, values) {
  const found = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const last = found[found.length - 1];
    const joins = last && last[last.length - 1] === index - 1 && samples[index].at - samples[index - 1].at < GAP;
    if (joins) last.push(index);
    else found.push([index]);
  });
  return found;
}

function path(points, stepped = false) {
  return points.map(([x, y], index) => {
    const to = `${x.toFixed(1)} ${y.toFixed(1)}`;
    if (index === 0) return `M${to}`;
    return stepped ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `L${to}`;
  }).join('');
}

/** An axis for these values: how far up each is, from 0 to 1, and which are written at it. */
function scale([least, most], values) {
  const top = above(Math.max(most, ...values));
  if (least === 0) return { part: (value) => value / top, marks: [0, top / 2, top] };
  const positive = values.filter((value) => value > 0);
  const bottom = 1 / above(1 / Math.min(least, ...positive));
  const part = (value) => Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom);
  const decades = [];
  for (let power = Math.ceil(Math.log10(bottom) - 0.01); power <= Math.log10(top) + 0.01; power += 1) decades.push(10 ** power);
  return { part, marks: decades.length > 1 ? decades : [bottom, top] };
}

/** The next number that reads well. */
function above(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 2, 4, 5, 10].find((step) => value <= step * unit * 1.0001);
}

const say = (format, value) => (value === null || value === undefined ? '–' : format(value));
