// The panel of the report page. The address after # holds its state, so that a view can be sent on.
'use strict'
const DATA = JSON.parse(document.getElementById('data').textContent)
const ENTRIES = new Map(DATA.entries.map(entry => [entry.name, entry]))
const CURVE = 'closest curve with at most one peak'
const KINDS = { grid: "The paper's grid", study: 'Studies', reading: 'Why: asked of trained networks', regression: 'Regressions' }
// told apart with any colour vision; each stands out on white and on dark
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b58900', '#3fa0d8', '#8c6bb1', '#7f7f7f']
// seven beside eight colours, so that no two of 56 groups look alike
const SYMBOLS = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right']
const SHOWN = { runs: 'runs', fit: 'fitted curve, peak, valleys', training: 'training error', others: 'published points' }
const MOST_GROUPS = 6 // that are drawn unless others are chosen
const WIDE = 30 // from this ratio of the largest to the smallest point on, an axis is logarithmic unless another is chosen
const $ = id => document.getElementById(id)
const words = name => (DATA.measures[name] ? DATA.measures[name][0] : name === 'test_accuracy' ? 'test accuracy' : name)
const unitOf = name => (name === 'test_accuracy' ? '%' : DATA.measures[name] ? DATA.measures[name][1] : '')
const titled = name => words(name) + (unitOf(name) ? `, ${unitOf(name)}` : '')
const dark = matchMedia('(prefers-color-scheme: dark)')
let state = {}
let view = null
let drawnRows = []

// A table of the page by rows: the options of every row, and what is within a cell, its seeds or epochs
function unpacked(table, within) {
  const count = Object.values(table.places)[0]?.length ?? 1
  const lists = Array.isArray(table.within[0]) ? table.within : Array(count).fill(table.within)
  const repeated = values => lists.flatMap((list, cell) => list.map(() => values[cell]))
  const options = Object.fromEntries(Object.entries(table.places).map(([option, values]) => [option, repeated(values)]))
  const inner = lists.flat()
  if (within === 'epoch') return { options: { ...options, epoch: inner }, measures: table.measures }
  const groups = table.groups && { names: table.groups.names, of: repeated(table.groups.of) }
  return { options, seed: inner, groups, measures: table.measures }
}

for (const entry of DATA.entries) {
  for (const [name, table] of Object.entries(entry.tables)) entry.tables[name] = unpacked(table, name === 'epochs' ? 'epoch' : 'seed')
}

// What a view is made of when the address says nothing else
function defaults(entry, axis, groups) {
  const measures = Object.keys(entry.tables[axis.table].measures)
  return {
    axis: entry.axes[0].name,
    measure: measures.includes('test_error') ? 'test_error' : measures[0],
    vertical: 'linear',
    horizontal: usualScale(entry, axis),
    show: Object.keys(SHOWN).filter(name => name !== 'runs' || !axis.measured),
    groups: chosen(entry, groups),
  }
}

function usualScale(entry, axis) {
  const table = entry.tables[axis.table]
  const points = (axis.measured ? table.measures[axis.name] : table.options[axis.name]).filter(point => point > 0)
  if (axis.name === 'epoch' && axis.name !== entry.over) return 'linear'
  if (axis.measured && unitOf(axis.name)) return 'linear'
  return axis.name === 'alpha' || Math.max(...points) >= WIDE * Math.min(...points) ? 'log' : 'linear'
}

// All groups, or of many those with the highest sure peaks, and then others spread evenly
function chosen(entry, groups) {
  if (groups.length <= MOST_GROUPS) return groups
  const yes = groups.filter(group => entry.groups[group]?.answer === 'yes').sort((one, two) => entry.groups[two].D - entry.groups[one].D)
  const picked = new Set(yes.slice(0, MOST_GROUPS - 1))
  for (let i = 0; i < groups.length && picked.size < MOST_GROUPS; i++) picked.add(groups[Math.round((i * (groups.length - 1)) / (MOST_GROUPS - 1)) % groups.length])
  return groups.filter(group => picked.has(group))
}

// The rows of an entry along an axis: where, which group, which run, and the options beside the axis
function rowsOf(entry, axis) {
  const table = entry.tables[axis.table]
  const options = Object.keys(table.options)
  const judged = axis.measured || axis.name === entry.over
  const along = axis.measured ? entry.over : axis.name
  const count = table.options[along].length
  const rows = []
  for (let i = 0; i < count; i++) {
    const place = Object.fromEntries(options.map(option => [option, table.options[option][i]]))
    const beside = options.filter(option => option !== along)
    const group = judged && table.groups ? table.groups.names[table.groups.of[i]]
      : beside.map(option => (option === entry.answers ? place[option] : `${words(option)} ${place[option]}`)).join(', ') || 'all'
    rows.push({ i, place, group, point: place[along], run: table.seed ? table.seed[i] : 0 })
  }
  return rows
}

const axisNamed = (entry, name) => entry.axes.find(axis => axis.name === name) || entry.axes[0]
const unique = values => [...new Set(values)]

function read() {
  const asked = new URLSearchParams(location.hash.slice(1))
  const entry = ENTRIES.get(asked.get('study')) || DATA.entries[0]
  const axis = axisNamed(entry, asked.get('axis'))
  const groups = unique(rowsOf(entry, axis).map(row => row.group))
  const usual = defaults(entry, axis, groups)
  const measures = measuresOf(entry, axis)
  const one = (name, allowed, otherwise) => (allowed.includes(asked.get(name)) ? asked.get(name) : otherwise)
  const several = (name, allowed, otherwise) =>
    asked.has(name) ? asked.get(name).split(';').filter(value => allowed.includes(value)) : otherwise
  state = {
    study: entry.name,
    axis: axis.name,
    measure: one('measure', measures, usual.measure),
    vertical: one('vertical', ['linear', 'log'], usual.vertical),
    horizontal: one('horizontal', horizontals(axis), usual.horizontal),
    show: several('show', Object.keys(SHOWN), usual.show),
    groups: several('groups', groups, usual.groups),
  }
  return { entry, axis, groups, measures, usual }
}

const horizontals = axis => (axis.measured ? ['log', 'linear'] : ['log', 'linear', 'in order'])

function measuresOf(entry, axis) {
  const measures = Object.keys(entry.tables[axis.table].measures)
  return measures.includes('test_error') ? [measures[0], 'test_accuracy', ...measures.slice(1)] : measures
}

function write(usual) {
  const said = new URLSearchParams({ study: state.study })
  for (const name of ['axis', 'measure', 'vertical', 'horizontal', 'show', 'groups']) {
    const value = Array.isArray(state[name]) ? state[name].join(';') : state[name]
    const otherwise = Array.isArray(usual[name]) ? usual[name].join(';') : usual[name]
    if (value !== otherwise) said.set(name, value)
  }
  history.replaceState(null, '', `#${said}`)
}

function fill(select, values, value, label = words) {
  select.replaceChildren(...values.map(one => new Option(label(one), one, false, one === value)))
}

function boxes(fieldset, values, chosen, label) {
  const legend = fieldset.querySelector('legend')
  fieldset.replaceChildren(legend, ...values.map(value => {
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', value, checked: chosen.includes(value) })
    const line = document.createElement('label')
    line.append(box, label(value))
    return line
  }))
}

function fillStudies() {
  for (const [kind, label] of Object.entries(KINDS)) {
    const group = Object.assign(document.createElement('optgroup'), { label })
    const entries = DATA.entries.filter(entry => entry.kind === kind)
    group.append(...entries.map(entry => new Option(`${entry.name}: ${entry.asks}`, entry.name)))
    if (entries.length) $('study').append(group)
  }
}

// One view after the other, so that none is drawn over a later one
let last = Promise.resolve()
const update = () => (last = last.then(redraw).catch(error => ($('note').textContent = `This view cannot be drawn: ${error.message}`)))

// Everything on the page that follows from the state
async function redraw() {
  const { entry, axis, groups, measures, usual } = read()
  $('study').value = entry.name
  fill($('axis'), entry.axes.map(one => one.name), axis.name, name => (axisNamed(entry, name).measured ? `measured: ${words(name)}` : words(name)))
  fill($('measure'), measures, state.measure)
  $('vertical').value = state.vertical
  fill($('horizontal'), horizontals(axis), state.horizontal)
  const judged = axis.name === entry.over && ['test_error', 'test_accuracy', 'answer'].includes(state.measure)
  const possible = {
    runs: axis.table === 'runs',
    fit: judged && Object.keys(entry.groups).length > 0,
    training: ['test_error', 'test_accuracy'].includes(state.measure) && 'train_error' in entry.tables[axis.table].measures,
    others: judged && entry.others.length > 0,
  }
  boxes($('show'), Object.keys(SHOWN).filter(name => possible[name]), state.show, name => SHOWN[name])
  $('show').hidden = !Object.values(possible).includes(true)
  boxes($('groups'), groups, state.groups, name => nameOf(entry)(name) + (entry.groups[name] ? `: ${entry.groups[name].said}` : ''))
  $('groups').hidden = groups.length < 2
  $('count').textContent = `groups: ${state.groups.length} of ${groups.length} are drawn`
  $('said').replaceChildren(...emphasised(entry.said))
  $('command').textContent = entry.command
  const shown = name => possible[name] && state.show.includes(name)
  await draw(entry, axis, shown, judged, groups)
}

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length
const isKnown = value => value !== null && value !== undefined && Number.isFinite(value)

// The marks of a view: a list of {kind, group, x, y, run, ...}
function marks(entry, axis, shown) {
  const table = entry.tables[axis.table]
  const flip = state.measure === 'test_accuracy'
  const column = table.measures[flip ? 'test_error' : state.measure]
  const value = (measure, i) => (flip && isKnown(measure[i]) ? round(100 - measure[i]) : measure[i])
  const rows = rowsOf(entry, axis).filter(row => state.groups.includes(row.group) && isKnown(column[row.i]))
  const found = []
  const cells = new Map()
  for (const row of rows) {
    const x = axis.measured ? table.measures[axis.name][row.i] : row.point
    if (!isKnown(x)) continue
    const about = { group: row.group, point: row.point, place: row.place }
    if (axis.name === entry.over && entry.groups[row.group]?.failed.some(([seed, point]) => seed === row.run && point === row.point)) {
      if (shown('runs')) found.push({ kind: 'left out', x, y: value(column, row.i), run: row.run, ...about })
      continue
    }
    if (shown('runs')) found.push({ kind: 'a run', x, y: value(column, row.i), run: row.run, ...about })
    const key = JSON.stringify([row.group, row.point])
    if (!cells.has(key)) cells.set(key, { ...about, is: [], xs: [] })
    cells.get(key).is.push(row.i)
    cells.get(key).xs.push(x)
  }
  for (const { is, xs, ...about } of cells.values()) {
    const x = axis.measured ? mean(xs) : about.point
    const values = is.map(i => value(column, i))
    const middle = mean(values)
    const sd = values.length > 1 ? Math.sqrt(values.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (values.length - 1)) : null
    found.push({ kind: 'mean', x, y: round(middle), sd: sd === null ? null : round(sd), runs: values.length, run: -1, ...about })
    if (shown('training')) {
      const training = is.map(i => value(table.measures.train_error, i)).filter(isKnown)
      if (training.length) found.push({ kind: flip ? 'training accuracy' : 'training error', x, y: round(mean(training)), run: -2, ...about })
    }
  }
  const turned = y => (flip ? round(100 - y) : y)
  if (shown('fit')) {
    for (const group of state.groups.filter(name => entry.groups[name])) {
      const judged = entry.groups[group]
      const fit = judged.fit.filter(([, y]) => y !== null)
      for (const [x, y] of fit) found.push({ kind: CURVE, x, y: turned(y), run: -3, group, point: x })
      const at = new Map(fit)
      for (const [place, label] of [['left', 'valley'], ['peak', 'peak'], ['right', 'valley']]) {
        if (at.has(judged[place])) found.push({ kind: label, x: judged[place], y: turned(at.get(judged[place])), group, point: judged[place], said: judged.said })
      }
    }
  }
  if (shown('others')) {
    for (const other of entry.others.filter(one => state.groups.includes(one.group))) {
      other.points.forEach((x, i) => found.push({ kind: 'published', x, y: turned(other.errors[i]), group: other.group, point: x, who: other.name }))
    }
  }
  const drawable = found.filter(mark => (state.vertical !== 'log' || mark.y > 0) && (state.horizontal !== 'log' || mark.x >= 0))
  return { found: drawable, lost: found.length - drawable.length }
}

// The name of a group as a person reads it
const nameOf = entry => group => entry.labels[group] ?? group
const round = number => Number(number.toPrecision(5))

// What a mark's number is
function nameOfValue(mark, entry) {
  if (mark.kind.startsWith('training')) return `${mark.kind}, %`
  return state.measure === 'answer' && entry.groups[mark.group] ? entry.groups[mark.group].unit : titled(state.measure)
}

function tooltip(mark, entry) {
  const said = {}
  for (const [option, value] of Object.entries(mark.place || { [entry.over]: mark.point })) said[words(option)] = String(value)
  if (!mark.place && mark.group !== 'all') said.group = mark.group
  if (mark.who) said.who = mark.who
  said.what = mark.kind === 'mean' ? `mean of ${mark.runs} runs` : mark.kind
  if (mark.run >= 0) said.seed = String(mark.run)
  said[nameOfValue(mark, entry)] = String(mark.y)
  if (mark.kind === 'left out') said.judged = 'no: far above the other runs'
  if (mark.sd !== undefined && mark.sd !== null) said['standard deviation'] = String(mark.sd)
  if (mark.said) said.answer = mark.said
  if (!mark.who && innerWidth > 600) said.trained = entry.how
  return said
}

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

const FONT = 'system-ui, sans-serif'
const canvas = document.createElement('canvas').getContext('2d')

// How many pixels a text is wide
function long(text, font) {
  canvas.font = `${font} ${FONT}`
  return canvas.measureText(text).width
}

// The text in lines of at most so many pixels
function wrapped(text, pixels, font) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line && long(`${line} ${word}`, font) > pixels) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines
}

function horizontal(found, axis) {
  const points = unique(found.map(mark => mark.x)).sort((one, two) => one - two)
  const title = axis.measured ? `${titled(axis.name)}, mean over the runs` : axis.name === 'alpha' ? 'penalty strength alpha' : words(axis.name)
  const labels = { title, labelOverlap: 'greedy', labelSeparation: 6, labelFlush: false, grid: false }
  if (state.horizontal === 'in order' && !axis.measured) return { type: 'ordinal', scale: { type: 'point', padding: 0.5 }, sort: points, axis: { ...labels, labelAngle: 0 } }
  const whole = points.every(Number.isInteger) ? { tickMinStep: 1, format: 'd' } : {}
  if (state.horizontal !== 'log') return { type: 'quantitative', scale: { zero: false, nice: false, padding: 8 }, axis: { ...labels, ...whole } }
  const positive = points.filter(point => point > 0)
  const ticks = tens(positive, points)
  const scale = points[0] <= 0 ? { type: 'symlog', constant: positive[0] || 1, nice: false, padding: 8 } : { type: 'log', nice: false, padding: 8 }
  const format = "datum.value === 0 ? '0' : abs(datum.value) < 0.001 || abs(datum.value) > 10000 ? replace(format(datum.value, '~e'), '+', '') : format(datum.value, '~f')"
  return { type: 'quantitative', scale, axis: { ...labels, values: ticks, labelExpr: format } }
}

// Ticks of a logarithmic axis: powers of ten, or where they are few the points themselves
function tens(positive, points) {
  if (!positive.length) return points
  const low = Math.ceil(Math.log10(positive[0]) - 1e-9)
  const high = Math.floor(Math.log10(positive.at(-1)) + 1e-9)
  const powers = [...Array(Math.max(0, high - low + 1)).keys()].map(i => Number(`1e${low + i}`))
  const zero = points[0] <= 0 ? [0] : []
  return powers.length >= 3 ? [...zero, ...powers] : points
}

function specification(entry, axis, found, groups, width) {
  const label = nameOf(entry)
  const domain = groups.map(label)
  const shownGroups = state.groups.filter(group => found.some(mark => mark.group === group)).map(label)
  const values = found.map((mark, i) => ({ x: mark.x, y: mark.y, group: label(mark.group), kind: mark.kind, line: `${mark.group} ${mark.run}`, point: mark.point, tooltip: tooltip(mark, entry), i }))
  const lines = unique(found.map(mark => mark.kind)).filter(kind => kind in DASHES)
  const single = shownGroups.length < 2
  const legend = { orient: 'bottom', direction: 'vertical', labelLimit: 0, titleLimit: 0, symbolStrokeWidth: 2, symbolSize: 70 }
  const size = width < 600 ? 11 : 12
  const columns = names => Math.max(1, Math.min(names.length, Math.floor((width - 20) / (Math.max(0, ...names.map(name => long(name, `${size}px`))) + 55))))
  const colour = {
    field: 'group', type: 'nominal', sort: null, title: null,
    scale: { domain, range: domain.map((_, i) => COLOURS[i % COLOURS.length]) },
    legend: single ? null : { ...legend, columns: columns(shownGroups), values: shownGroups },
  }
  const shape = { field: 'group', type: 'nominal', sort: null, title: null, scale: { domain, range: domain.map((_, i) => SYMBOLS[i % SYMBOLS.length]) }, legend: single ? null : { ...legend, columns: columns(shownGroups), values: shownGroups } }
  const ofLines = { ...legend, columns: columns(lines), symbolStrokeColor: css('--ink'), symbolType: 'stroke', symbolSize: 900 }
  const byKind = looks => ({ field: 'kind', type: 'ordinal', sort: lines, title: null, scale: { domain: lines, range: lines.map(kind => looks[kind]) }, legend: ofLines })
  const x = { field: 'x', ...horizontal(found, axis) }
  const least = state.vertical === 'log' ? { scale: { type: 'log', nice: false } } : { scale: { zero: true } }
  const units = unique(state.groups.map(group => entry.groups[group]?.unit).filter(Boolean))
  const title = state.measure === 'answer' ? (units.length === 1 ? units[0] : '% (of the largest mean, where no share)') : titled(state.measure)
  const y = { field: 'y', type: 'quantitative', ...least, axis: { title, gridOpacity: 0.5, labelOverlap: 'greedy', ...(state.vertical === 'log' ? { tickCount: 6, format: '~r' } : {}) } }
  const of = kinds => [{ filter: { field: 'kind', oneOf: kinds } }]
  const tip = { field: 'tooltip' }
  const order = { field: 'point', type: 'quantitative' }
  const line = (kinds, mark) => ({ transform: of(kinds), mark: { type: 'line', clip: false, ...mark }, encoding: { detail: { field: 'line' }, order, strokeDash: byKind(DASHES), strokeWidth: byKind(WIDTHS) } })
  const mark = (kinds, looks, own = {}) => ({ transform: of(kinds), mark: { type: 'point', filled: true, ...looks }, encoding: { tooltip: tip, ...own } })
  const layer = [
    line(['a run'], { opacity: 0.35 }),
    mark(['a run'], { size: 9, opacity: 0.35 }),
    line(['training error', 'training accuracy'], {}),
    mark(['training error', 'training accuracy'], { size: 14 }),
    line([CURVE], {}),
    line(['mean'], {}),
    mark(['mean'], { size: 46, opacity: 1 }, { shape }),
    mark(['left out'], { filled: false, size: 70, opacity: 1 }),
    mark(['peak', 'valley'], { filled: false, size: 220, strokeWidth: 2, opacity: 1, color: css('--ink') }, { color: { value: css('--ink') }, shape: { condition: { test: "datum.kind === 'peak'", value: 'triangle-up' }, value: 'triangle-down' } }),
    mark(['published'], { filled: false, size: 60, strokeWidth: 2, opacity: 1 }, { shape: { value: 'M-1,-1L1,1M-1,1L1,-1' } }),
  ]
  const about = [...(state.groups.length === 1 && entry.groups[state.groups[0]] ? [`${state.groups[0] === 'all' ? '' : `${state.groups[0]}: `}double descent? ${entry.groups[state.groups[0]].said}`] : []), `${entry.name}: ${entry.how}`, ...signs(found)]
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 'container', height: width < 600 ? 300 : 400, autosize: { type: 'fit-x', contains: 'padding' }, padding: { left: 8, right: 20, top: 8, bottom: 8 },
    background: css('--paper'),
    title: { text: wrapped(entry.asks, width - 30, 'bold 14px'), subtitle: about.flatMap(text => wrapped(text, width - 30, '12px')), anchor: 'start', frame: 'bounds', offset: 12 },
    data: { values },
    encoding: { x, y, color: colour },
    layer: layer.filter(one => found.some(found => one.transform[0].filter.oneOf.includes(found.kind))),
    config: {
      font: FONT, view: { stroke: null },
      axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', labelColor: css('--ink'), titleColor: css('--ink'), domainColor: css('--soft'), tickColor: css('--soft'), gridColor: css('--rule') },
      legend: { labelFontSize: size, labelColor: css('--ink'), symbolOpacity: 1, layout: { bottom: { direction: 'vertical', anchor: 'start', margin: 6 } } },
      title: { fontSize: 14, color: css('--ink'), subtitleColor: css('--soft'), subtitleFontSize: 12, subtitlePadding: 5 },
    },
  }
}
// What the signs are that no legend has
function signs(found) {
  const kinds = new Set(found.map(mark => mark.kind))
  const said = []
  if (kinds.has('peak')) said.push('\u25b3 peak and \u25bd valleys of the closest curve')
  if (kinds.has('left out')) said.push('\u25cb a run that was left out, far above the others')
  return [said.join(', '), ...unique(found.filter(mark => mark.who).map(mark => `\u00d7 ${mark.who}`))].filter(Boolean)
}
const DASHES = { 'a run': [1, 0], mean: [1, 0], 'training error': [2, 3], 'training accuracy': [2, 3], [CURVE]: [7, 4] }
const WIDTHS = { 'a run': 0.8, mean: 2.2, 'training error': 1.5, 'training accuracy': 1.5, [CURVE]: 1.6 }

async function draw(entry, axis, shown, judged, groups) {
  const { found, lost } = marks(entry, axis, shown)
  drawnRows = found
  table(found, axis)
  const notes = []
  if (!judged && Object.keys(entry.groups).length) notes.push(`A peak is judged in the ${entry.answers ? 'answers' : 'test error'} along ${words(entry.over)}; here nothing is.`)
  if (axis.measured) notes.push(`Points are joined in the order of ${words(entry.over)}.`)
  if (lost) notes.push(`${lost} values have no place on a logarithmic scale.`)
  if (!found.length) notes.unshift('There is nothing to draw: choose groups, or another scale.')
  $('note').textContent = notes.join(' ')
  $('chart').setAttribute('aria-label', `${entry.asks} A chart of ${words(state.measure)} along ${words(axis.name)}; its numbers are in the table below.`)
  if (view) view.finalize()
  view = null
  if (found.length) {
    const drawn = specification(entry, axis, found, groups, $('chart').clientWidth)
    view = (await vegaEmbed('#chart', drawn, { actions: false, renderer: 'svg', tooltip: { theme: dark.matches ? 'dark' : 'light' } })).view
    view.addEventListener('click', (_, item) => item?.datum?.tooltip && ($('note').textContent = Object.entries(item.datum.tooltip).map(pair => pair.join(': ')).join('; ')))
  } else $('chart').replaceChildren()
  document.body.dataset.drawn = location.hash // so that who watches the page knows when it is drawn
}

const valueName = () => titled(state.measure)
const header = axis => ['kind', 'group', axis.measured ? titled(axis.name) : axis.name, valueName(), 'standard deviation', 'seed']
const cellsOf = mark => [mark.who || mark.kind, mark.group, mark.x, mark.y, mark.sd ?? '', mark.run >= 0 ? mark.run : '']

function table(found, axis) {
  const line = (cells, name) => {
    const row = document.createElement('tr')
    row.append(...cells.map(text => Object.assign(document.createElement(name), { textContent: text })))
    return row
  }
  if (!$('drawn').closest('details').open) return $('drawn').replaceChildren()
  $('drawn').replaceChildren(line(header(axis), 'th'), ...found.map(mark => line(cellsOf(mark), 'td')))
}

// What stands between stars is emphasised
function emphasised(text) {
  return text.split(/\*(\w+)\*/).map((part, i) => (i % 2 ? Object.assign(document.createElement('em'), { textContent: part }) : part))
}

function quoted(value) {
  const text = String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function save(url, suffix) {
  const link = Object.assign(document.createElement('a'), { href: url, download: `${state.study}-${state.measure}-${state.axis}.${suffix}` })
  link.click()
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    const area = Object.assign(document.createElement('textarea'), { value: text })
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
  const label = button.textContent
  button.textContent = 'copied'
  setTimeout(() => (button.textContent = label), 1500)
}

function changed(event) {
  const name = event.target.closest('fieldset')?.id || event.target.id
  const { usual } = read()
  const box = event.target.type === 'checkbox'
  if (box) {
    const on = event.target.checked
    state[name] = on ? [...state[name], event.target.value] : state[name].filter(value => value !== event.target.value)
    if (name === 'groups') state.groups = unique([...$('groups').querySelectorAll('input')].map(one => one.value)).filter(group => state.groups.includes(group))
    if (name === 'show') state.show = Object.keys(SHOWN).filter(one => state.show.includes(one))
    write(usual)
  } else if (name === 'study') {
    history.pushState(null, '', `#${new URLSearchParams({ study: event.target.value })}`)
  } else if (name === 'axis') {
    history.pushState(null, '', `#${new URLSearchParams({ study: state.study, axis: event.target.value, measure: state.measure })}`)
  } else {
    state[name] = event.target.value
    write(usual)
  }
  const value = event.target.value
  update().then(() => box && [...$(name).querySelectorAll('input')].find(one => one.value === value)?.focus())
}

$('panel').hidden = false
fillStudies()
$('controls').addEventListener('change', changed)
$('controls').addEventListener('submit', event => event.preventDefault())
$('copy').onclick = () => copy($('copy'), $('command').textContent)
$('link').onclick = () => copy($('link'), location.href)
$('png').onclick = async () => view && save(await view.toImageURL('png', 2), 'png')
$('svg').onclick = async () => view && save(await view.toImageURL('svg'), 'svg')
$('csv').onclick = () => {
  const text = [header(axisNamed(ENTRIES.get(state.study), state.axis)), ...drawnRows.map(cellsOf)].map(cells => cells.map(quoted).join(',')).join('\n') + '\n'
  save(URL.createObjectURL(new Blob([text], { type: 'text/csv' })), 'csv')
}
$('drawn').closest('details').addEventListener('toggle', () => table(drawnRows, axisNamed(ENTRIES.get(state.study), state.axis)))
for (const link of document.querySelectorAll('a[href^="#study="]')) link.addEventListener('click', () => setTimeout(() => { $('ask').scrollIntoView(); $('study').focus({ preventScroll: true }) }))
addEventListener('hashchange', update)
dark.addEventListener('change', update)
for (const [name, keep] of [['every', true], ['none', false]]) {
  $(name).onclick = () => {
    const { groups, usual } = read()
    state.groups = keep ? groups : []
    write(usual)
    update()
  }
}
let lastWidth = innerWidth
addEventListener('resize', () => {
  if (innerWidth !== lastWidth) update()
  lastWidth = innerWidth
})
update()
