// Of the report page's chart: its texts that overlap or are cut, how many marks of each kind it has, and how wide it is.
() => {
  const svg = document.querySelector('#chart svg.marks, #chart svg')
  if (!svg) return { overlaps: [], cut: [], marks: {}, texts: [], width: 0 }
  const frame = svg.getBoundingClientRect()
  const seen = text => { for (let one = text; one && one !== svg; one = one.parentElement) if (getComputedStyle(one).opacity === '0') return false; return true }
  const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent && seen(text))
  const boxes = texts.map(text => ({ text: text.textContent, box: text.getBoundingClientRect() }))
  const cut = boxes.filter(({ box }) => box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1).map(one => one.text)
  const overlaps = []
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
    const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left)
    const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top)
    if (wide > 1 && high > 3) overlaps.push(`${a.text} / ${b.text}`)
  }))
  const marks = {}
  for (const group of svg.querySelectorAll('.mark-line.role-mark, .mark-symbol.role-mark')) {
    const kind = group.classList.contains('mark-line') ? 'line' : 'symbol'
    marks[kind] = (marks[kind] || 0) + group.querySelectorAll('path').length
  }
  return { overlaps, cut, marks, texts: boxes.map(one => one.text), width: frame.width }
}
