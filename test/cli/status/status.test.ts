import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Sample } from '../../../src/cli/status/activity.ts'
import { statusLines as linesOfSamples } from '../../../src/cli/status/status.ts'

const status = {
  node: { id: 'i', pid: 1, version: '1.2.3', listen: null, reachable: 'no' },
  peers: [{ id: 'ab'.repeat(32), address: '10.0.0.1:8048', direction: 'in', since: '2026' }],
  files: { count: 3, bytes: 2048 },
  transfers: [{ file: 'x', size: 2048, done: 1024, sources: 2 }],
  dht: null,
  totals: { fromPeers: 0, fromMirror: 0, uploaded: 0, rejected: 0, banned: 0 },
  problems: [{ code: 'direct', problem: 'a:1 is gone.', fix: 'start it', since: '2026' }],
}

const statusLines = (status: unknown, place: string) => linesOfSamples([{ at: 0, status }] as Sample[], place)

test('the status in lines', () => {
  const text = statusLines(status, 'there').join('\n')
  assert.is(text.split('\n')[0], 'Wrong: a:1 is gone.')
  assert.match(text, /^Shared {6}3 files, /m)
  assert.match(text, '10.0.0.1:8048 (in, since 2026) abababababababab')
  assert.match(text, /x: 1.* of 2.* from 2 sources/)
  assert.match(text, 'Wrong       a:1 is gone.\n            fix: start it')
})

for (const other of [null, [], {}, { ...status, totals: undefined }, { ...status, peers: [null] }]) {
  test(`what isn't a status is told in a sentence: ${JSON.stringify(other).slice(0, 40)}`, () => {
    assert.throws(
      () => statusLines(other, 'there:8049'),
      (error: Error & { code: string }) => error.code === 'daemon' && error.message.includes('there:8049'),
    )
  })
}

test('one source is a source', () => {
  const lines = statusLines({ ...status, transfers: [{ file: 'x', size: 1, done: 0, sources: 1 }] }, 'there')
  assert.match(lines.join('\n'), /from 1 source$/m)
})

test('another machine draws nothing on this terminal', () => {
  const lines = statusLines({ ...status, node: { ...status.node, version: '\u001b[2J\u009b1m' } }, 'there')
  assert.match(lines.join('\n'), 'pacsrv ?[2J?1m')
})

test.run()
