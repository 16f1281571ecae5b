import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { frame, openScreen } from '../../../src/cli/status/screen.ts'

const CLEARED = '\x1b[K'

function output(isTTY: boolean) {
  const written: string[] = []
  return {
    isTTY,
    columns: 80,
    rows: 24,
    written,
    write: (text: string | Uint8Array) => written.push(String(text)) > 0,
  }
}

test('a block is drawn over the one before in one write, line by line, and what is below is cleared', () => {
  assert.is(frame(['ab', 'c'], { columns: 80, rows: 24 }), `\x1b[Hab${CLEARED}\nc${CLEARED}\n\x1b[J`)
})

test('a line is as long as the terminal is wide, and its last letter is not cleared away', () => {
  const at = (columns: number) => frame(['abcd'], { columns, rows: 24 }).split('\n')[0]
  assert.equal([3, 4, 5].map(at), ['\x1b[Habc', '\x1b[Habcd', `\x1b[Habcd${CLEARED}`])
})

test('what has no room is left out and counted; the screen is filled and never scrolls', () => {
  const at = (rows: number) => frame(['a', 'b', 'c'], { columns: 80, rows }).replaceAll(CLEARED, '').slice(3)
  assert.equal([4, 3, 2, 1].map(at), ['a\nb\nc\n\x1b[J', 'a\nb\nc', 'a\n… 2 more lines', '… 3 more lines'])
})

test('a terminal that does not tell its size is taken for one of 80 by 24', () => {
  const lines = Array.from({ length: 30 }, () => 'x'.repeat(100))
  const drawn = frame(lines, { columns: 0, rows: 0 }).split('\n')
  assert.is(drawn.length, 24)
  assert.is(drawn[0], `\x1b[H${'x'.repeat(80)}`)
})

test('a terminal is left as it was', () => {
  const out = output(true)
  const screen = openScreen(out, 'xterm')
  screen.show(['a'])
  screen.close()
  const [enter, , leave] = out.written
  assert.is(enter, '\x1b[?1049h\x1b[?25l')
  assert.is(leave, '\x1b[?25h\x1b[?1049l')
})

for (const [isTTY, term] of [
  [false, 'xterm'],
  [true, 'dumb'],
  [true, undefined],
] as const) {
  test(`blocks one after another: a terminal ${isTTY}, TERM ${term}`, () => {
    const out = output(isTTY)
    const screen = openScreen(out, term)
    screen.show(['a', 'b'])
    screen.show(['c'])
    screen.close()
    assert.is(out.written.join(''), 'a\nb\n\nc\n')
  })
}

test.run()
