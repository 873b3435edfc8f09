// The console: listens to the stream of events and draws what it says. All that comes from
// there is untrusted, and only ever becomes text.

import { Plot, SPAN, Strip, cursor, element, time, words } from './plots.js';

const byId = (id) => document.getElementById(id);

const state = { samples: [], overview: null, heard: 0, lost: false, gist: null };

// What is shown of the requests.

const PRIORITY_TONES = { critical: 'violet', normal: 'blue', sheddable: 'teal', bulk: 'grey' };
const REASON_TONES = { quota: 'blue', unkeyed: 'grey', fleet: 'teal', circuit_open: 'red', queue_full: 'amber', queue_timeout: 'pink', evicted: 'green', deadline: 'violet' };

/** Per second, of a count since the start. Unknown after a pause or a restart. */
const rate = (count) => (sample, previous) => {
  if (!previous || sample.at - previous.at > 4) return null;
  const more = count(sample) - count(previous);
  return more < 0 ? null : more / (sample.at - previous.at);
};

const decisions = (sample) => sample.decisions ?? [];
const refusals = (own) => Object.entries(own.refused ?? {});
const reported = (own) => Object.entries(own.would_refuse ?? {});
const total = (counts) => counts.reduce((sum, count) => sum + count, 0);

const byPriority = (count) => (samples) => {
  const of = (sample, priority) => total(decisions(sample).filter((own) => own.priority === priority).map(count));
  const names = decisions(samples[samples.length - 1]).map((own) => own.priority);
  return names.map((name) => ({ label: name, tone: PRIORITY_TONES[name] ?? 'grey', look: 'area', value: rate((sample) => of(sample, name)) }));
};

const byReason = (counts) => (samples) => {
  const of = (sample, reason) => total(decisions(sample).flatMap(counts).filter(([name]) => name === reason).map(([, count]) => count));
  const names = new Set(samples.flatMap(decisions).flatMap(counts).map(([name]) => name));
  const lines = [...names].sort().map((name) => ({ label: name.replace('_', ' '), tone: REASON_TONES[name] ?? 'grey', look: 'area', value: rate((sample) => of(sample, name)) }));
  return lines.length ? lines : [{ label: 'none', tone: 'grey', look: 'area', value: () => 0 }];
};

const requests = [
  new Plot({ title: 'Admitted per second', format: number, stacked: true, series: byPriority((own) => own.admitted ?? 0) }),
  new Plot({ title: 'Refused per second, by priority', format: number, stacked: true, series: byPriority((own) => total(refusals(own).map(([, count]) => count))) }),
  new Plot({ title: 'Refused per second, by reason', format: number, stacked: true, series: byReason(refusals) }),
  new Plot({ title: 'Level: share left out', format: percent, series: () => [{ label: 'level', tone: 'amber', look: 'area', value: (sample) => sample.level }] }),
];

/** Only where a gate only reports. */
const rehearsal = new Plot({ title: 'Would have refused per second, by reason', format: number, stacked: true, series: byReason(reported) });
rehearsal.figure.hidden = true;
requests.push(rehearsal);
byId('requests').append(...requests.map((plot) => plot.figure));

function showRehearsal(overview) {
  const { report_only: all = false, databases = [] } = overview;
  const some = all || databases.some((own) => own.report_only) || decisions(overview).some((own) => reported(own).length > 0);
  rehearsal.figure.hidden = !some;
  byId('requests').classList.toggle('five', some);
}

// What is shown of one database.

class Database {
  constructor(name) {
    const of = (sample) => sample.databases?.find((own) => own.name === name);
    const line = (label, tone, look, field) => ({ label, tone, look, value: (sample) => of(sample)?.[field] });
    const plot = (title, format, lines, more = {}) => new Plot({ title, format, series: () => lines, ...more });
    this.name = name;
    this.plots = [
      plot('Limit against in flight', number, [line('in flight', 'blue', 'area', 'in_flight'), line('limit', 'ink', 'step', 'limit')], { range: [0, 4] }),
      plot('Waiting for a place', number, [line('waiting', 'amber', 'area', 'waiting')], { range: [0, 4] }),
      plot('Latency of queries', seconds, [line('p99', 'amber', 'line', 'p99'), line('mean', 'blue', 'line', 'latency'), line('baseline', 'ink', 'dash', 'alone')], { range: [0.005, 0.02] }),
      plot('Slowdown, against the baseline', times, [line('mean', 'blue', 'line', 'slowdown')], { range: [0.5, 4], rule: 1 }),
    ];
    this.strip = new Strip({ title: 'Circuit', state: (sample) => of(sample)?.circuit });
    this.figures = element('p', { class: 'figures' });
    this.statements = element('ol', { class: 'bars' });
    this.routes = element('ol', { class: 'bars' });
    this.advice = element('ul', { class: 'advice' });
    const part = (title, list) => element('div', { class: 'part' }, element('h3', {}, title), list);
    this.parts = element('div', { class: 'parts' }, part('Statements by database time', this.statements), part('Routes by database cost', this.routes), part('Advice', this.advice));
    const heading = element('h2', {}, element('span', { class: 'kind' }, 'Database '), name);
    this.section = element('section', {}, element('div', { class: 'title' }, heading, this.figures), element('div', { class: 'plots' }, ...this.plots.map((plot) => plot.figure), this.strip.figure), this.parts);
    this.section.setAttribute('aria-label', `Database ${name}`);
  }

  draw(samples) {
    [...this.plots, this.strip].forEach((plot) => plot.draw(samples));
  }

  show(own, queries) {
    const { recent = {}, ill_routes: ill = [], statements = [], routes = [], advice = [] } = own;
    const facts = [`${number(queries)} queries/s`, ...ill.map((route) => `circuit of ${route.route} ${words(route.circuit)}`)];
    if (own.saturated) facts.push('saturated');
    if (own.report_only) facts.push('circuits only report');
    if (recent.hung) facts.push(`${recent.hung} hung`);
    if (recent.pool) facts.push(`pool ${recent.pool.size - recent.pool.idle} of ${recent.pool.max} in use`);
    this.figures.textContent = facts.join(' · ');
    bars(this.statements, statements.map((statement) => {
      const { lately = {} } = statement;
      const slow = lately.slowdown == null ? null : times(lately.slowdown);
      return { name: statement.name, share: lately.share, facts: [lately.p99 == null ? null : `p99 ${seconds(lately.p99)}`, slow] };
    }));
    bars(this.routes, routes.map((route) => ({ name: route.route, share: route.share, facts: [`${seconds(route.seconds ?? 0)} in ${plural(route.queries ?? 0, 'query', 'queries')}`] })));
    list(this.advice, advice, (text) => element('li', {}, text));
  }
}

const databases = new Map();

function database(name) {
  if (!databases.has(name)) {
    databases.set(name, new Database(name));
    byId('databases').append(databases.get(name).section);
  }
  return databases.get(name);
}

/** One bar for each: its share, its name and some facts. */
function bars(into, rows) {
  list(into, rows, ({ name, share = 0, facts }) => {
    const fill = element('div', { class: 'fill' });
    fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
    const said = [percent(share), ...facts].filter((fact) => fact !== null);
    const cells = said.map((fact) => element('span', {}, fact));
    return element('li', {}, element('code', { title: name }, name), element('div', { class: 'facts' }, ...cells), element('div', { class: 'bar' }, fill));
  });
}

/** Makes the list anew, if it is to say something else. */
function list(into, rows, make) {
  const said = JSON.stringify(rows);
  if (said === into.said) return;
  into.said = said;
  into.replaceChildren(...rows.map(make));
  if (rows.length === 0) into.append(element('li', { class: 'none' }, 'None so far.'));
}

// What is shown of the whole.

const SIGNS = { well: '✓', degraded: '!', down: '✕' };

function show(overview) {
  const { health = 'unknown', sentence = '', level = 0, report_only: rehearses = false, transitions = [], incidents = [] } = overview;
  byId('verdict').dataset.health = health;
  say(byId('health'), SIGNS[health] ?? '?');
  say(byId('sentence'), sentence);
  sayAloud(sentence);
  document.title = `brownout: ${health}`;
  byId('level').setAttribute('aria-valuenow', Math.round(level * 100));
  byId('level').firstElementChild.style.width = `${level * 100}%`;
  const verb = rehearses ? 'would be' : 'is';
  say(byId('level-text'), `${level > 0 ? `${percent(level)} of what is optional` : 'nothing'} ${verb} left out`);
  showRehearsal(overview);
  log(byId('incidents'), incidents.map(incidentLine));
  log(byId('transitions'), transitions.map(({ at, event }) => ({ at, text: event })));
  for (const own of overview.databases ?? []) database(own.name).show(own, queriesOf(own.name));
}

/** For the ear, not each second again because a figure in it has changed. */
function sayAloud(sentence) {
  const gist = sentence.replace(/[\d.,]+\s?(ms|s|m|h|min)*/g, '');
  if (gist === state.gist) return;
  state.gist = gist;
  byId('said').textContent = sentence;
}

function incidentLine({ start, end, first = '', impact = [] }) {
  const refused = total(impact.flatMap(refusals).map(([, count]) => count));
  const length = end == null ? 'it lasts' : `over after ${seconds(end - start)}`;
  return { at: start, text: [first, `${number(refused)} refused`, length].join(' · ') };
}

/** The time, with the day unless that is today. */
function moment(at) {
  const day = new Date(at * 1000).toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  const today = new Date().toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return day === today ? time(at) : `${day} ${time(at)}`;
}

/** Lines with their times, the newest first. */
function log(into, lines) {
  list(into, lines.slice(-40).reverse(), ({ at, text }) => element('li', {}, element('time', { datetime: new Date(at * 1000).toISOString() }, moment(at)), element('span', {}, text)));
}

function queriesOf(name) {
  const last = state.samples[state.samples.length - 1];
  return last?.databases?.find((own) => own.name === name)?.queries ?? 0;
}

/** Changes a text only if it differs, so that it is read out once. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let drawn = 0;

/** Draws before the next frame, once, however much has changed. */
function redraw() {
  if (drawn) return;
  drawn = requestAnimationFrame(() => {
    drawn = 0;
    if (state.overview) show(state.overview);
    const end = state.samples[state.samples.length - 1]?.at;
    const shown = state.samples.filter((sample) => sample.at >= end - SPAN);
    requests.forEach((plot) => plot.draw(shown));
    databases.forEach((own) => own.draw(shown));
  });
}

cursor.changed = redraw;
new ResizeObserver(redraw).observe(byId('main'));

// The stream.

const SAMPLES = 320;
const RETRY = 2000;

/** No data for this long is told, in milliseconds. */
const QUIET = 4000;

function listen() {
  const events = new EventSource('events');
  const on = (name, take) => events.addEventListener(name, (event) => {
    take(JSON.parse(event.data));
    state.heard = Date.now();
    state.lost = false;
    tellStream();
    redraw();
  });
  on('history', (samples) => { state.samples = samples; });
  on('sample', (sample) => { state.samples = [...state.samples, sample].slice(-SAMPLES); });
  on('overview', (overview) => { state.overview = overview; });
  events.addEventListener('error', () => {
    state.lost = true;
    tellStream();
    // A stream that was refused is not tried again by itself.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, RETRY);
  });
}

function tellStream() {
  const last = state.heard ? `last data ${time(state.heard / 1000)}` : 'no data yet';
  const quiet = Date.now() - state.heard > QUIET;
  const text = state.lost ? `Connection lost, ${last}. Trying again…` : quiet ? `No news, ${last}.` : 'Live';
  document.body.classList.toggle('stale', state.lost || quiet);
  say(byId('stream'), text);
}

listen();
setInterval(tellStream, 1000);

// Numbers as people read them.

function number(value) {
  const digits = value >= 10 ? 0 : value >= 1 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, notation: value >= 10000 ? 'compact' : 'standard' });
}

function plural(value, one, many) {
  const said = number(value);
  return `${said} ${said === '1' ? one : many}`;
}

function percent(share) {
  return share > 0 && share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`;
}

function seconds(value) {
  if (value >= 90) return `${number(value / 60)} min`;
  if (value >= 1) return `${number(value)} s`;
  return value >= 0.001 || value === 0 ? `${number(value * 1000)} ms` : `${number(value * 1e6)} µs`;
}

function times(value) {
  return `${number(value)}×`;
}
