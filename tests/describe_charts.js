// What every chart of the page drew: its id, marks by type, words of legends, axis labels, labels that overlap or are cut, scales, size.
() => views.map(view => {
  const found = { id: view.container().closest('div[id]').id, marks: {}, legends: [], labels: [], overlaps: [], truncated: [], scales: {}, size: [0, 0] }
  const cross = (a, b) => a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2
  const visit = item => {
    if (item.marktype && item.items.length) {
      if (item.role === 'mark' && item.marktype !== 'group')
        found.marks[item.marktype] = (found.marks[item.marktype] || 0) + item.items.length
      if (item.role === 'legend-title' || item.role === 'legend-label')
        found.legends.push(...item.items.map(label => String(label.text)))
      if (item.role === 'axis-label') {
        const shown = item.items.filter(label => label.opacity > 0 && label.text !== '')
        found.labels.push(...shown.map(label => String(label.text)))
        shown.forEach((a, i) => shown.slice(i + 1).forEach(b => {
          if (cross(a.bounds, b.bounds)) found.overlaps.push(a.text + ' / ' + b.text)
        }))
      }
    }
    if (item.limit > 0 && item.text && item.bounds.width() >= item.limit - 1) found.truncated.push(String(item.text));
    (item.items || []).forEach(visit)
  }
  visit(view.scenegraph().root)
  for (const name of Object.keys(view._runtime.scales)) found.scales[name.replace(/^.*_/, '')] = view.scale(name).type
  const drawn = view.container().querySelector('canvas, svg.marks').getBoundingClientRect()
  found.size = [drawn.width, drawn.height]
  return found
})
