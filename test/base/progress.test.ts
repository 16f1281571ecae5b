import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { humanSize, sourcesLine } from '../../src/base/progress.ts'

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

test('where it came from, in a line', () => {
  const from = { fromPeers: 3000, fromMirror: 0, peers: ['a'] }
  assert.is(sourcesLine('x', from), 'x: 2.9 KiB from 1 peer, 0 B from the mirror')
  assert.is(sourcesLine('x', { fromPeers: 0, fromMirror: 0, peers: [] }), 'x: had come before')
  assert.is(sourcesLine('x', { ...from, peers: ['a', 'b'] }), 'x: 2.9 KiB from 2 peers, 0 B from the mirror')
})

test.run()
