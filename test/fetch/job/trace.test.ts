import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { createTrace } from '../../../src/fetch/job/trace.ts'
import type { FileSource } from '../../../src/fetch/sources/source.ts'
import { createClock } from '../../clock.ts'
import { createLab, type LabOptions, listOf, makeContent, spoilt } from './lab.ts'

const CHUNK = 64 * 1024
const content = makeContent(40 * CHUNK)

/** What the log of one download says at debug. */
async function linesOf(options: Omit<LabOptions, 'content'>) {
  const lines: Record<string, unknown>[] = []
  const add = (fields: object, message: string) => void lines.push({ ...fields, message })
  const log: Log = { ...silentLog, debug: add, info: add, warn: add }
  const lab = createLab({ content, ...options, log })
  await lab.run()
  await lab.leftOver()
  return { lines, find: (part: string) => lines.find(({ message }) => String(message).includes(part)) }
}

test('the closing line says where the bytes came from, and how long each stage took', async () => {
  const { lines, find } = await linesOf({ peers: [{ content }, { content }], mirrors: [{ content }] })
  const { opened, firstByte, lastByte, checked, ms, ...about } = find('is over') as Record<string, number>
  assert.ok(0 <= opened! && opened! < firstByte! && firstByte! < lastByte!)
  assert.ok(lastByte! <= checked! && checked! <= ms!)
  assert.is(about.result, 'done')
  assert.is(about.fromPeers, content.length)
  assert.match(String(about.sources), /^192\.0\.2\.\d:8048 \(\w+\): \d+, 192\.0\.2\.\d:8048 \(\w+\): \d+$/)
  assert.ok(lines.length < 20, `${lines.length} lines for 40 chunks`)
})

test('who reads at info has one line of each package: bytes, from whom, seconds', async () => {
  const lines: string[] = []
  const froms: unknown[] = []
  const log: Log = {
    ...silentLog,
    info(fields, message) {
      lines.push(message)
      froms.push((fields as { from?: unknown }).from)
    },
  }
  const lab = createLab({ content, peers: [{ content }], mirrors: [], log })
  await lab.run()
  await lab.leftOver()
  assert.is(lines.length, 1)
  assert.match(lines[0]!, /^\S+: 2\.5 MiB from 1 peer, 0 B from the mirror, in \d+\.\d s$/)
  assert.match(String(froms[0]), /^192\.0\.2\.1:8048 \(\w+\): 2\.5 MiB$/)
})

test('one that is left to curl says why', async () => {
  const { find } = await linesOf({ peers: [], mirrors: [] })
  assert.match(String(find('given up')?.message), /^\S+: given up after \d+\.\d s: ./)
})

test('it says who was found, and by which rule the mirror joined', async () => {
  const { find } = await linesOf({
    peers: [{ content, rate: 500_000, isNeighbour: true }],
    mirrors: [{ content, rate: 5_000_000 }],
  })
  assert.is(find('a holder is known')?.via, 'answer')
  assert.ok(find('a holder is a source'))
  assert.is(find('the mirror joins')?.rule, 'peers would take over 2 s and the mirror shortens it by 15 %')
})

test('it says who was left because it stalled, with its limit', async () => {
  const { find } = await linesOf({
    peers: [{ content, rate: 1_000_000, on: (_, count) => (count < 8 ? 'give' : 'silence') }],
    mirrors: [{ content, rate: 500_000 }],
  })
  const { role, ms, limit } = find('stalled') as Record<string, number>
  assert.is(role, 'holder')
  assert.ok(ms! >= limit! && limit! >= 2_000)
})

test('it says what was rejected and of whom', async () => {
  const { find } = await linesOf({
    peers: [{ content: spoilt(content, 0, 1, 2), list: listOf(content) }],
    mirrors: [{ content }],
  })
  const { source, role, chunk } = find('not what was vouched for') ?? {}
  assert.match(String(source), /^192\.0\.2\.1:8048/)
  assert.equal([role, chunk], ['holder', 0])
})

const SOURCE = { kind: 'peer', id: 'a', label: 'one', near: true } as FileSource
const MIRROR = { kind: 'mirror', label: 'http://m/x' } as FileSource

test('who gave how much, and how fast it came of late, also of who has left', () => {
  const clock = createClock()
  const trace = createTrace({ clock, log: silentLog }, { name: 'x' })
  for (let second = 0; second < 10; second++) {
    clock.advance(1_000)
    trace.kept(SOURCE, 1_000)
  }
  trace.kept(MIRROR, 200)
  const [first, second] = trace.from([MIRROR])
  assert.equal([first!.label, first!.id, first!.kind, first!.bytes], ['one', 'a', 'site', 10_000])
  assert.ok(first!.rate > 500 && first!.rate < 2_000, `${first!.rate}`)
  assert.equal([second!.kind, second!.id, second!.bytes], ['mirror', undefined, 200])
  clock.advance(60_000)
  assert.is(trace.from([])[0]!.rate, 0)
})

test('who is asked and has given nothing yet is there too', () => {
  const trace = createTrace({ clock: createClock(), log: silentLog }, { name: 'x' })
  const far = { kind: 'peer', label: 'far', near: false } as FileSource
  assert.equal(trace.from([far]), [{ label: 'far', id: undefined, kind: 'world', bytes: 0, rate: 0 }])
})

test.run()
