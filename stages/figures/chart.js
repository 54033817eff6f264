// From the data of the report page and a view of it to what its chart draws. `state` is the view, which page.js keeps.
'use strict'
const DATA = JSON.parse(document.getElementById('data').textContent)
const ENTRIES = new Map(DATA.entries.map(entry => [entry.name, entry]))
const CURVE = 'closest one-peak curve'
// told apart with any colour vision; each stands out on white and on dark
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b58900', '#7f7f7f', '#8c6bb1', '#2f93c9']
// seven beside eight colours, so that no two of 56 groups look alike
const SYMBOLS = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right']
const $ = id => document.getElementById(id)
const words = name => (DATA.measures[name] ? DATA.measures[name][0] : name === 'test_accuracy' ? 'test accuracy' : name)
const unitOf = name => (name === 'test_accuracy' ? '%' : DATA.measures[name] ? DATA.measures[name][1] : '')
const titled = name => words(name) + (unitOf(name) ? `, ${unitOf(name)}` : '')

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
  for (const [name, table] of Object.entries(entry.tables))
    entry.tables[name] = unpacked(table, name === 'epochs' ? 'epoch' : 'seed')
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
    const group =
      judged && table.groups
        ? table.groups.names[table.groups.of[i]]
        : beside
            .map(option => (option === entry.answers ? place[option] : `${words(option)} ${place[option]}`))
            .join(', ') || 'all'
    rows.push({ i, place, group, point: place[along], run: table.seed ? table.seed[i] : 0 })
  }
  return rows
}

const axisNamed = (entry, name) => entry.axes.find(axis => axis.name === name) || entry.axes[0]
const unique = values => [...new Set(values)]
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
    if (
      axis.name === entry.over &&
      entry.groups[row.group]?.failed.some(([seed, point]) => seed === row.run && point === row.point)
    ) {
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
    const sd =
      values.length > 1
        ? Math.sqrt(values.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (values.length - 1))
        : null
    found.push({
      kind: 'mean',
      x,
      y: round(middle),
      sd: sd === null ? null : round(sd),
      runs: values.length,
      run: -1,
      ...about,
    })
    if (shown('training')) {
      const training = is.map(i => value(table.measures.train_error, i)).filter(isKnown)
      if (training.length)
        found.push({
          kind: flip ? 'training accuracy' : 'training error',
          x,
          y: round(mean(training)),
          run: -2,
          ...about,
        })
    }
  }
  const turned = y => (flip ? round(100 - y) : y)
  if (shown('fit')) {
    for (const group of state.groups.filter(name => entry.groups[name])) {
      const judged = entry.groups[group]
      const fit = judged.fit.filter(([, y]) => y !== null)
      for (const [x, y] of fit) found.push({ kind: CURVE, x, y: turned(y), run: -3, group, point: x })
      const at = new Map(fit)
      for (const [place, label] of [
        ['left', 'valley'],
        ['peak', 'peak'],
        ['right', 'valley'],
      ]) {
        if (at.has(judged[place]))
          found.push({
            kind: label,
            x: judged[place],
            y: turned(at.get(judged[place])),
            group,
            point: judged[place],
            said: judged.said,
          })
      }
    }
  }
  if (shown('others')) {
    for (const other of entry.others.filter(one => state.groups.includes(one.group))) {
      other.points.forEach((x, i) =>
        found.push({ kind: 'published', x, y: turned(other.errors[i]), group: other.group, point: x, who: other.name })
      )
    }
  }
  const drawable = found.filter(
    mark => (state.vertical !== 'log' || mark.y > 0) && (state.horizontal !== 'log' || mark.x >= 0)
  )
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
  for (const [option, value] of Object.entries(mark.place || { [entry.over]: mark.point }))
    said[words(option)] = String(value)
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
const CROSS = 'M-1,-1L1,1M-1,1L1,-1'
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
  const title = axis.measured
    ? `${titled(axis.name)}, mean over the runs`
    : axis.name === 'alpha'
      ? 'penalty strength alpha'
      : words(axis.name)
  const labels = { title, labelOverlap: 'greedy', labelSeparation: 6, labelFlush: false, grid: false }
  if (state.horizontal === 'in order' && !axis.measured)
    return { type: 'ordinal', scale: { type: 'point', padding: 0.5 }, sort: points, axis: { ...labels, labelAngle: 0 } }
  const whole = points.every(Number.isInteger) ? { tickMinStep: 1, format: 'd' } : {}
  const usual = { nice: false, padding: 8, reverse: axis.name === 'weights' } // sparser is always farther right
  if (state.horizontal !== 'log')
    return { type: 'quantitative', scale: { zero: false, ...usual }, axis: { ...labels, ...whole } }
  const positive = points.filter(point => point > 0)
  const ticks = tens(positive, points)
  const scale = points[0] <= 0 ? { type: 'symlog', constant: positive[0] || 1, ...usual } : { type: 'log', ...usual }
  const format =
    "datum.value === 0 ? '0' : abs(datum.value) < 0.001 || abs(datum.value) > 10000 ? replace(format(datum.value, '~e'), '+', '') : format(datum.value, '~f')"
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

// The chart of the marks `found` as Vega-Lite has it, so many pixels wide
function specification(entry, axis, found, groups, width, judged) {
  const size = width < 600 ? 11 : 12
  const { colour, shape, dashes } = looks(entry, found, groups, width, size)
  const values = found.map(mark => ({
    x: mark.x,
    y: mark.y,
    group: nameOf(entry)(mark.group),
    kind: mark.kind,
    line: `${mark.group} ${mark.run}`,
    point: mark.point,
    tooltip: tooltip(mark, entry),
  }))
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 'container',
    height: width < 600 ? 300 : 400,
    autosize: { type: 'fit-x', contains: 'padding' },
    padding: { left: 8, right: 20, top: 8, bottom: 8 },
    background: css('--paper'),
    title: {
      text: wrapped(entry.asks, width - 30, 'bold 14px'),
      subtitle: caption(entry, found, judged).flatMap(text => wrapped(text, width - 30, '12px')),
      anchor: 'start',
      frame: 'bounds',
      offset: 12,
    },
    data: { values },
    encoding: { x: { field: 'x', ...horizontal(found, axis) }, y: vertical(entry), color: colour },
    layer: layers(found, shape, dashes),
    config: config(size),
  }
}

function config(size) {
  const [ink, soft] = [css('--ink'), css('--soft')]
  const axis = { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', labelColor: ink, titleColor: ink }
  const title = { fontSize: 14, color: ink, subtitleColor: soft, subtitleFontSize: 12, subtitlePadding: 5 }
  const layout = { bottom: { direction: 'vertical', anchor: 'start', margin: 6 } }
  return {
    font: FONT,
    view: { stroke: null },
    axis: { ...axis, domainColor: soft, tickColor: soft, gridColor: css('--rule') },
    legend: { labelFontSize: size, labelColor: ink, symbolOpacity: 1, layout },
    title,
  }
}

// A group's colour and symbol, which few groups keep whatever others are drawn, and by the kind of a line its dashes
function looks(entry, found, groups, width, size) {
  const names = groups.map(nameOf(entry))
  const drawn = names.filter((_, i) => state.groups.includes(groups[i]) && found.some(mark => mark.group === groups[i]))
  const known = names.length <= COLOURS.length ? names : drawn
  const lines = unique(found.map(mark => mark.kind)).filter(kind => kind in DASHES)
  const columns = words => {
    const longest = Math.max(0, ...words.map(word => long(word, `${size}px`)))
    return Math.max(1, Math.min(words.length, Math.floor((width - 20) / (longest + 55))))
  }
  const legend = { orient: 'bottom', direction: 'vertical', labelLimit: 0, symbolStrokeWidth: 2, symbolSize: 70 }
  const ofGroups = drawn.length < 2 ? null : { ...legend, columns: columns(drawn), values: drawn }
  const ofLines = {
    ...legend,
    columns: columns(lines.map(kind => `${kind} (thin)`)),
    symbolStrokeColor: css('--ink'),
    symbolType: 'stroke',
    symbolSize: 900,
    labelExpr: "datum.label === 'a run' ? 'a run (thin)' : datum.label",
  }
  const byGroup = range => ({
    field: 'group',
    type: 'nominal',
    sort: null,
    title: null,
    scale: { domain: known, range: known.map((_, i) => range[i % range.length]) },
    legend: ofGroups,
  })
  const dashes = {
    field: 'kind',
    type: 'nominal',
    sort: lines,
    title: null,
    scale: { domain: lines, range: lines.map(kind => DASHES[kind]) },
    legend: ofLines,
  }
  return { colour: byGroup(COLOURS), shape: byGroup(SYMBOLS), dashes }
}

function vertical(entry) {
  const units = unique(state.groups.map(group => entry.groups[group]?.unit).filter(Boolean))
  const ofAnswers = units.length === 1 ? units[0] : '%; of the largest mean, where it is no share'
  const axis = {
    title: state.measure === 'answer' ? ofAnswers : titled(state.measure),
    gridOpacity: 0.5,
    labelOverlap: 'greedy',
  }
  const quantity = { field: 'y', type: 'quantitative' }
  if (state.vertical !== 'log') return { ...quantity, scale: { zero: true }, axis }
  return { ...quantity, scale: { type: 'log', nice: false }, axis: { ...axis, tickCount: 6, format: '~r' } }
}

// What is drawn over what
function layers(found, shape, dashes) {
  const of = kinds => [{ filter: { field: 'kind', oneOf: kinds } }]
  const line = (kinds, mark) => ({
    transform: of(kinds),
    mark: { type: 'line', strokeWidth: WIDTHS[kinds[0]], ...mark },
    encoding: {
      detail: { field: 'line' },
      order: { field: 'point', type: 'quantitative' },
      strokeDash: dashes,
    },
  })
  const points = (kinds, mark, own = {}) => ({
    transform: of(kinds),
    mark: { type: 'point', filled: true, ...mark },
    encoding: { tooltip: { field: 'tooltip' }, ...own },
  })
  const hollow = { filled: false, strokeWidth: 2, opacity: 1 }
  const training = ['training error', 'training accuracy']
  const upOrDown = { condition: { test: "datum.kind === 'peak'", value: 'triangle-up' }, value: 'triangle-down' }
  const every = [
    line(['a run'], { opacity: 0.35 }),
    points(['a run'], { size: 9, opacity: 0.35 }),
    line(training, {}),
    points(training, { size: 14 }),
    line([CURVE], {}),
    line(['mean'], {}),
    points(['mean'], { size: 46, opacity: 1 }, { shape }),
    points(['left out'], { ...hollow, size: 70 }),
    points(['peak', 'valley'], { ...hollow, size: 220 }, { color: { value: css('--ink') }, shape: upOrDown }),
    points(['published'], { ...hollow, size: 60 }, { shape: { value: CROSS } }),
  ]
  return every.filter(layer => found.some(mark => layer.transform[0].filter.oneOf.includes(mark.kind)))
}

// The lines below the title: the answer where one group is drawn that was judged, how the networks were trained, and
// the signs
function caption(entry, found, judged) {
  const [group, ...others] = state.groups
  const answer = judged && !others.length ? entry.groups[group] : undefined
  const said = answer ? [`${group === 'all' ? '' : `${group}: `}double descent? ${answer.said}`] : []
  return [...said, `${entry.name}: ${entry.how}`, ...signs(found)]
}

// What the signs are that no legend has
function signs(found) {
  const kinds = new Set(found.map(mark => mark.kind))
  const said = []
  const curve = state.measure === 'test_accuracy' ? 'error\u2019s closest curve' : 'closest curve'
  if (kinds.has('peak')) said.push(`\u25b3 peak and \u25bd valleys of the ${curve}`)
  if (kinds.has('left out')) said.push('\u25cb a run that was left out, far above the others')
  return [said.join(', '), ...unique(found.filter(mark => mark.who).map(mark => `\u00d7 ${mark.who}`))].filter(Boolean)
}
const DASHES = { 'a run': [1, 0], mean: [1, 0], 'training error': [2, 3], 'training accuracy': [2, 3], [CURVE]: [7, 4] }
const WIDTHS = { 'a run': 0.8, mean: 2.2, 'training error': 1.5, 'training accuracy': 1.5, [CURVE]: 1.6 }
