// The panel of the report page. The address after # holds its state, so that a view can be sent on.
const KINDS = {
  grid: "The paper's grid",
  study: 'Studies',
  reading: 'Why: asked of trained networks',
  regression: 'Regressions',
}
const SHOWN = {
  runs: 'runs',
  fit: 'fitted curve, peak, valleys',
  training: 'training error',
  others: 'published points',
}
const MOST_GROUPS = 6 // that are drawn unless others are chosen
const FEW_GROUPS = 3 // of more only means, curves and published points are drawn unless runs are asked for
const FLAT = 1000 // from this ratio of the largest value to the middle one on, the vertical scale is logarithmic
const WIDE = 30 // from this ratio of the largest to the smallest point on, an axis is logarithmic unless another is chosen
const dark = matchMedia('(prefers-color-scheme: dark)')
let state = {}
let view = null
let drawnRows = []

// What a view is made of when the address says nothing else
function defaults(entry, axis, groups) {
  const measures = Object.keys(entry.tables[axis.table].measures)
  const measure = measures.includes('test_error') ? 'test_error' : measures[0]
  const drawn = chosen(entry, comparable(entry, axis, groups))
  const crowded = drawn.length > FEW_GROUPS
  return {
    axis: entry.axes[0].name,
    measure,
    vertical: spreadsWidely(entry.tables[axis.table].measures[measure]) ? 'log' : 'linear',
    horizontal: usualScale(entry, axis),
    show: Object.keys(SHOWN).filter(
      name => !(name === 'runs' && (crowded || axis.measured)) && !(name === 'training' && crowded)
    ),
    groups: drawn,
  }
}

// Whether a few values are so large that the others would lie flat on a linear scale
function spreadsWidely(values) {
  const known = values.filter(isKnown).sort((one, two) => one - two)
  return known[0] > 0 && known.at(-1) > FLAT * known[known.length >> 1]
}

// Of many groups those that differ in one option alone: in what was asked, or else in the option with the most values.
// The others are as in the group with the highest peak, a sure one if there is any
function comparable(entry, axis, groups) {
  if (groups.length <= MOST_GROUPS) return groups
  const rows = rowsOf(entry, axis)
  const places = new Map(rows.map(row => [row.group, row.place]))
  const along = axis.measured ? entry.over : axis.name
  const values = option => unique([...places.values()].map(place => place[option]))
  const options = Object.keys(places.get(groups[0])).filter(option => option !== along && values(option).length > 1)
  if (options.length < 2) return groups
  const most = options.reduce((one, other) => (values(other).length > values(one).length ? other : one))
  const varied = options.includes(entry.answers) ? entry.answers : most
  const highest = judgedRows(entry).find(row => row.group === byHeight(entry)[0])?.place ?? {}
  const usual = option =>
    values(option).includes(highest[option]) && option !== entry.over ? highest : places.get(groups[0])
  const alike = group => options.every(one => one === varied || places.get(group)[one] === usual(one)[one])
  return groups.filter(alike)
}

const judgedRows = entry => rowsOf(entry, axisNamed(entry, entry.over))

// The groups that were judged, those with a sure peak first, the highest of them before the others
function byHeight(entry) {
  const sure = group => entry.groups[group].answer === 'yes'
  return Object.keys(entry.groups).sort(
    (one, two) => sure(two) - sure(one) || entry.groups[two].D - entry.groups[one].D
  )
}

function usualScale(entry, axis) {
  const table = entry.tables[axis.table]
  const points = axis.measured ? table.measures[axis.name].filter(point => point > 0) : table.options[axis.name]
  if (axis.measured && unitOf(axis.name)) return 'linear'
  const [least, most] = [Math.min(...points), Math.max(...points)]
  return axis.name === 'alpha' || (least > 0 && most >= WIDE * least) ? 'log' : 'linear'
}

// All groups, or of many those with the highest sure peaks, and then others spread evenly
function chosen(entry, groups) {
  if (groups.length <= MOST_GROUPS) return groups
  const surePeaks = byHeight(entry).filter(group => groups.includes(group) && entry.groups[group].answer === 'yes')
  const picked = new Set(surePeaks.slice(0, MOST_GROUPS - 1))
  for (let i = 0; i < groups.length && picked.size < MOST_GROUPS; i++)
    picked.add(groups[Math.round((i * (groups.length - 1)) / (MOST_GROUPS - 1)) % groups.length])
  return groups.filter(group => picked.has(group))
}

function read() {
  const asked = new URLSearchParams(location.hash.slice(1))
  const entry = ENTRIES.get(asked.get('study')) || DATA.entries[0]
  const axis = axisNamed(entry, asked.get('axis'))
  const groups = unique(rowsOf(entry, axis).map(row => row.group))
  const usual = defaults(entry, axis, groups)
  const measures = measuresOf(entry, axis)
  const one = (name, allowed, otherwise) => (allowed.includes(asked.get(name)) ? asked.get(name) : otherwise)
  const several = (name, allowed, otherwise) =>
    asked.has(name)
      ? asked
          .get(name)
          .split(';')
          .filter(value => allowed.includes(value))
      : otherwise
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
  const before = [...fieldset.querySelectorAll('label')]
  const same = before.map(line => line.firstChild.value).join() === values.join()
  const scrolled = fieldset.scrollTop
  for (const old of before) old.remove() // the legend stays, and so does a button's focus
  fieldset.append(
    ...values.map(value => {
      const box = Object.assign(document.createElement('input'), {
        type: 'checkbox',
        value,
        checked: chosen.includes(value),
      })
      const line = document.createElement('label')
      line.append(box, label(value))
      return line
    })
  )
  const first = fieldset.querySelector('input:checked')?.parentElement
  fieldset.scrollTop = same || !first ? scrolled : first.offsetTop - fieldset.querySelector('label').offsetTop
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
const update = () =>
  (last = last.then(redraw).catch(error => ($('note').textContent = `This view cannot be drawn: ${error.message}`)))

// Everything on the page that follows from the state
async function redraw() {
  const { entry, axis, groups, measures, usual } = read()
  $('study').value = entry.name
  fill(
    $('axis'),
    entry.axes.map(one => one.name),
    axis.name,
    name => (axisNamed(entry, name).measured ? `measured: ${words(name)}` : words(name))
  )
  fill($('measure'), measures, state.measure)
  $('vertical').value = state.vertical
  fill($('horizontal'), horizontals(axis), state.horizontal)
  const judged = axis.name === entry.over && ['test_error', 'test_accuracy', 'answer'].includes(state.measure)
  const possible = {
    runs: axis.table === 'runs',
    fit: judged && Object.keys(entry.groups).length > 0,
    training:
      ['test_error', 'test_accuracy'].includes(state.measure) && 'train_error' in entry.tables[axis.table].measures,
    others: judged && entry.others.length > 0,
  }
  boxes(
    $('show'),
    Object.keys(SHOWN).filter(name => possible[name]),
    state.show,
    name => SHOWN[name]
  )
  $('show').hidden = !Object.values(possible).includes(true)
  boxes(
    $('groups'),
    groups,
    state.groups,
    name => nameOf(entry)(name) + (entry.groups[name] ? `: ${entry.groups[name].said}` : '')
  )
  $('groups').hidden = groups.length < 2
  $('count').textContent = `groups: ${state.groups.length} of ${groups.length} are drawn`
  $('said').replaceChildren(...emphasised(entry.said))
  $('command').textContent = entry.command
  const shown = name => possible[name] && state.show.includes(name)
  await draw(entry, axis, shown, judged, groups)
}

async function draw(entry, axis, shown, judged, groups) {
  const { found, lost } = marks(entry, axis, shown)
  drawnRows = found
  table(found, axis)
  const notes = []
  const asked = new URLSearchParams(location.hash.slice(1)).get('study')
  if (asked && asked !== entry.name) notes.push(`No question is called ${asked}; this is ${entry.name}.`)
  if (!judged && Object.keys(entry.groups).length)
    notes.push(
      `A peak is judged in the ${entry.answers ? 'answers' : 'test error'} along ${words(entry.over)}; here nothing is.`
    )
  if (axis.measured) notes.push(`Points are joined in the order of ${words(entry.over)}.`)
  if (lost) notes.push(`${lost} values have no place on a logarithmic scale.`)
  if (!found.length) notes.unshift('There is nothing to draw: choose groups, or another scale.')
  $('note').textContent = notes.join(' ')
  if (view) view.finalize()
  view = null
  if (found.length) {
    const drawn = specification(entry, axis, found, groups, $('chart').clientWidth, judged)
    view = (
      await vegaEmbed('#chart', drawn, {
        actions: false,
        renderer: 'svg',
        tooltip: { theme: dark.matches ? 'dark' : 'light' },
      })
    ).view
    view.addEventListener(
      'click',
      (_, item) =>
        item?.datum?.tooltip &&
        ($('note').textContent = Object.entries(item.datum.tooltip)
          .map(pair => pair.join(': '))
          .join('; '))
    )
  } else $('chart').replaceChildren()
  $('chart').setAttribute(
    'aria-label',
    `${entry.asks} A chart of ${words(state.measure)} along ${words(axis.name)}; its numbers are in the table below.`
  )
  for (const button of [$('png'), $('svg')]) button.disabled = !view
  document.body.dataset.drawn = location.hash // so that who watches the page knows when it is drawn
}

const valueName = () => titled(state.measure)
const header = axis => [
  'kind',
  'group',
  axis.measured ? titled(axis.name) : axis.name,
  valueName(),
  'standard deviation',
  'seed',
]
const cellsOf = mark => [
  mark.who || mark.kind,
  mark.group,
  mark.x,
  mark.y,
  mark.sd ?? '',
  mark.run >= 0 ? mark.run : '',
]

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
  return text
    .split(/\*(\w+)\*/)
    .map((part, i) => (i % 2 ? Object.assign(document.createElement('em'), { textContent: part }) : part))
}

function quoted(value) {
  const text = String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function save(url, suffix) {
  const link = Object.assign(document.createElement('a'), {
    href: url,
    download: `${state.study}-${state.measure}-${state.axis}.${suffix}`,
  })
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
    if (name === 'groups')
      state.groups = unique([...$('groups').querySelectorAll('input')].map(one => one.value)).filter(group =>
        state.groups.includes(group)
      )
    if (name === 'show') state.show = Object.keys(SHOWN).filter(one => state.show.includes(one))
    write(usual)
  } else if (name === 'study') {
    history.pushState(null, '', `#${new URLSearchParams({ study: event.target.value })}`)
  } else if (name === 'axis') {
    const kept = new URLSearchParams(location.hash.slice(1)) // what was drawn and how, but for what belongs to the axis
    kept.set('study', state.study)
    kept.set('axis', event.target.value)
    for (const own of ['horizontal', 'groups']) kept.delete(own)
    history.pushState(null, '', `#${kept}`)
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
  const text =
    [header(axisNamed(ENTRIES.get(state.study), state.axis)), ...drawnRows.map(cellsOf)]
      .map(cells => cells.map(quoted).join(','))
      .join('\n') + '\n'
  save(URL.createObjectURL(new Blob([text], { type: 'text/csv' })), 'csv')
}
$('drawn')
  .closest('details')
  .addEventListener('toggle', () => table(drawnRows, axisNamed(ENTRIES.get(state.study), state.axis)))
for (const link of document.querySelectorAll('a[href^="#study="]'))
  link.addEventListener('click', () =>
    setTimeout(() => {
      $('ask').scrollIntoView()
      $('study').focus({ preventScroll: true })
    })
  )
addEventListener('hashchange', update)
dark.addEventListener('change', update)
for (const [name, keep] of [
  ['every', true],
  ['none', false],
]) {
  $(name).onclick = () => {
    const { groups, usual } = read()
    state.groups = keep ? groups : []
    write(usual)
    update()
  }
}
// What explains the words is printed, whether or not it is open
for (const [event, open] of [
  ['beforeprint', true],
  ['afterprint', false],
])
  addEventListener(event, () => document.querySelectorAll('details.words').forEach(one => (one.open = open)))
let lastWidth = innerWidth
addEventListener('resize', () => {
  if (innerWidth !== lastWidth) update()
  lastWidth = innerWidth
})
update().then(() => location.hash && $('ask').scrollIntoView()) // an address that was sent names a view
