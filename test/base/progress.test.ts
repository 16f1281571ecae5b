import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { humanSize, progressLine, sourcesLine } from '../../src/base/progress.ts'

for (const [bytes, text] of [
  [0, '0 B'],
  [2048, '2048 B'],
  [2049, '2.0 KiB'],
  [2048 * 1024, '2048.0 KiB'],
  [5 * 1024 ** 3, '5.0 GiB'],
  [5000 * 1024 ** 4, '5000.0 TiB'],
] as const) {
  test(`${bytes} bytes are ${text}`, () => assert.is(humanSize(bytes), text))
}

const MIB = 1024 * 1024
const half = { name: 'linux-6.1-1-x86_64.pkg.tar.zst', done: 50 * MIB, size: 100 * MIB, elapsed: 10_000 }

test("the line is pacman's own", () => {
  assert.is(
    progressLine(half, 80),
    ' linux-6.1-1-x86_64     50.0 MiB  5.00 MiB/s 00:10 [###########-----------]  50%',
  )
})

test('no line is wider than the terminal, whatever it shows', () => {
  for (const name of ['x.pkg.tar', half.name, `${'n'.repeat(300)}.pkg.tar.xz`]) {
    for (const done of [0, 1, 50 * MIB, 100 * MIB]) {
      for (const elapsed of [0, 1, 1e9]) {
        for (let columns = 1; columns < 200; columns++) {
          const line = progressLine({ ...half, name, done, elapsed }, columns)
          assert.ok(line.length <= columns, `${columns}: ${line}`)
          assert.not.match(line, /NaN|Infinity|undefined|\n/)
        }
      }
    }
  }
})

test('at the end the time is what it took, and the bar is full', () => {
  const line = progressLine({ ...half, done: half.size, elapsed: 65_000 }, 80)
  assert.match(line, / 01:05 \[#+\] 100%$/)
})

test('what will take for ever has no time', () => {
  assert.match(progressLine({ ...half, done: 0 }, 80), '--:--')
})

test('an empty file is whole', () => {
  assert.match(progressLine({ ...half, done: 0, size: 0 }, 80), '100%')
})

test('where it came from, in a line', () => {
  const from = { fromPeers: 3000, fromMirror: 0, peers: 1 }
  assert.is(sourcesLine('x', from), 'x: 2.9 KiB from 1 peer, 0 B from the mirror')
  assert.is(sourcesLine('x', { fromPeers: 0, fromMirror: 0, peers: 0 }), 'x: had come before')
  assert.is(sourcesLine('x', { ...from, peers: 2 }), 'x: 2.9 KiB from 2 peers, 0 B from the mirror')
})

test.run()
