// Every mark of the page's charts, each with the headers that a reader sees at its panel, and how far it stands from its values.
//
// In: for each chart and each type of mark, the field or the number that each channel (x, y, x2, y2) shows, such as
// {'training_curves': {line: {x: 'epoch', y: 'test_error'}}}; the type of a dashed rule is 'dashed'.
// Out: for each chart its id, its marks, its axis labels and the colours of its legend. A mark has its type, its datum, its
// headers, its colour, its shape and its text; `path` is the same number for the points of one line or area; `off` is its
// largest distance in pixels from where the scales of its panel's axes put its values. A label has its text and its `off`.
fields => views.map(view => {
  const id = view.container().closest('div[id]').id
  const found = { id, marks: [], labels: [], legend: {} }
  let paths = 0
  const within = (group, role) => group.items.filter(mark => mark.role === role).flatMap(mark => mark.items)
  const texts = item => item.text !== undefined ? [].concat(item.text).map(String) : (item.items || []).flatMap(texts)
  const place = (name, value) => {
    const scale = view.scale(name)
    return scale(value) + (scale.bandwidth ? scale.bandwidth() / 2 : 0)
  }

  // the headers of a row or a column of panels stand beside the panels, at the same height or in the same column
  const beside = (parent, panel) => [['row-header', 'y'], ['column-header', 'x']].flatMap(([role, side]) =>
    within(parent, role).filter(header => Math.abs(header[side] - panel[side]) < 1).flatMap(header => within(header, 'title')).flatMap(texts))

  const readMark = (mark, panel, headers) => {
    paths += 1
    for (const item of mark.items.filter(item => item.defined !== false)) { // a gap in a line or an area
      const type = item.strokeDash ? 'dashed' : mark.marktype
      const channels = Object.entries(fields[id][type])
      const distances = channels.map(([channel, field]) => Math.abs(
        item[channel] - place(panel.scales[channel[0]], typeof field === 'number' ? field : item.datum[field])))
      found.marks.push({
        type, datum: item.datum, headers, path: paths, off: Math.max(...distances),
        colour: ['line', 'rule'].includes(mark.marktype) ? item.stroke : item.fill, shape: item.shape, text: item.text,
      })
    }
  }

  const readAxis = axis => {
    const horizontal = ['top', 'bottom'].includes(axis.orient)
    for (const label of within(axis, 'axis-label')) {
      if (!label.opacity || label.text === '') continue
      const expected = place(axis.datum.scale, isNaN(label.text) ? label.text : Number(label.text))
      found.labels.push({ text: label.text, off: Math.abs(label[horizontal ? 'x' : 'y'] - expected) })
    }
  }

  // the squares of a legend that is a chart of its own: each has the label above it
  const readSquares = (mark, group) => {
    const labels = within(group, 'axis').flatMap(axis => within(axis, 'axis-label'))
    for (const square of mark.items)
      found.legend[labels.find(label => Math.abs(label.x - square.x) < 1).text] = square.fill
  }

  const visit = (group, headers, panel) => {
    headers = [...headers, ...within(group, 'title').flatMap(texts)]
    const axes = within(group, 'axis')
    axes.forEach(readAxis)
    if (axes.length && group.mark.role === 'scope') {
      panel = { scales: {} }
      for (const axis of axes) panel.scales[['top', 'bottom'].includes(axis.orient) ? 'x' : 'y'] = axis.datum.scale
    }
    const symbols = within(group, 'legend-symbol')
    within(group, 'legend-label').forEach((label, i) => { found.legend[label.text] = symbols[i].fill })
    for (const mark of group.items) {
      if (mark.role === 'mark' && mark.items.some(item => item.shape === 'square')) readSquares(mark, group)
      else if (mark.role === 'mark' && mark.marktype !== 'group') readMark(mark, panel, headers)
      else if (mark.marktype === 'group' && mark.role !== 'axis' && mark.role !== 'title')
        mark.items.forEach(item => visit(item, [...headers, ...beside(group, item)], panel))
    }
  }
  view.scenegraph().root.items.forEach(item => visit(item, [], null))
  return found
})
