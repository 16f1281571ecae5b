/** Rows D, E and F: holders that cost a download its time. The mirror is alive: it bounds what they may cost. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPeerRecord } from '../../src/fetch/sources/peer-record.ts'
import { createClock } from '../clock.ts'
import { createLab, listOf, makeContent, type PeerOptions, spoilt } from '../fetch/job/lab.ts'
import { seeded } from '../seeded.ts'

const SEED = 13
const LARGE = makeContent(20_000_000)
const SMALL = makeContent(1_000_000)

type Sort = (content: Buffer, n: number) => Partial<PeerOptions>

/** What hostile holders do who claim to have all. */
const SORTS: Record<string, Sort> = {
  'never answer': () => ({ on: () => 'silence' }),
  'never send their list': () => ({ listless: true }),
  drip: () => ({ on: () => 'drip' }),
  'are always busy': () => ({ on: () => 'busy' }),
  'give one chunk and then none': () => ({ on: (_, count) => (count < 1 ? 'give' : 'silence') }),
  'give a chunk now and then': () => ({ rate: 20_000 }),
  'have a false list': (content, n) => ({ list: listOf(spoilt(content, n % 16)), on: () => 'silence' }),
  'let a dial hang': () => ({ refuses: true, connectMs: 3_000 }),
  'give a false chunk': (content, n) => ({ content: spoilt(content, n % 16, 1, 2), list: listOf(content) }),
}
const sorts = Object.entries(SORTS)
const random = seeded(SEED)

const hostile = (content: Buffer, sort: Sort, count: number, isNeighbour: boolean): PeerOptions[] =>
  Array.from({ length: count }, (_, n) => ({ content, isNeighbour, ...sort(content, n) }))

const mixed: Sort = (content, n) => sorts[(n + random.below(sorts.length)) % sorts.length]![1](content, n)

async function msOf(
  content: Buffer,
  peers: PeerOptions[],
  mirrorRate = 1_000_000,
  record = createPeerRecord(createClock()),
): Promise<number> {
  const mirrors = [{ content, rate: mirrorRate }]
  const lab = createLab({ content, peers, mirrors, hasNeighbours: true, record })
  const end = await lab.run()
  assert.is(end?.result, 'done')
  assert.ok(lab.handed.equals(content))
  const honest = peers.findIndex(isHonest)
  if (honest >= 0) assert.not.ok(lab.bans.includes(lab.peers[honest]!.id), 'an honest node was banned')
  return lab.clock.now()
}

const HONEST = Symbol('honest')
const honest = (content: Buffer, change: Partial<PeerOptions> = {}): PeerOptions =>
  Object.assign({ content, rate: 4_000_000, ...change }, { [HONEST]: true })
const isHonest = (peer: PeerOptions) => HONEST in peer

for (const [what, sort] of [...sorts, ['are of every sort', mixed] as const])
  for (const count of [1, 8, 28]) {
    test(`20 MB of one honest holder and the mirror, beside ${count} that ${what}: 6 s at most`, async () => {
      const ms = await msOf(LARGE, [...hostile(LARGE, sort, count, true), honest(LARGE)])
      assert.ok(ms <= 6_000, `${ms} ms`)
    })
  }

for (const [what, sort] of [...sorts, ['are of every sort', mixed] as const]) {
  test(`1 MB in the LAN, beside 30 that ${what}: 1.5 s at most`, async () => {
    const lan = (peers: PeerOptions[]) => peers.map((peer, n) => ({ ...peer, host: `10.0.0.${n + 1}` }))
    const ms = await msOf(SMALL, lan([...hostile(SMALL, sort, 30, true), honest(SMALL)]))
    assert.ok(ms <= 1_500, `${ms} ms`)
  })
}

for (const [what, sort] of [...sorts, ['are of every sort', mixed] as const])
  for (const [size, content] of [
    ['20 MB', LARGE],
    ['1 MB', SMALL],
  ] as const) {
    test(`${size} with nobody honest but the mirror, and 150 that ${what}: 1.5 times the mirror and a second`, async () => {
      const alone = (content.length * 1000) / 1_000_000
      const ms = await msOf(content, hostile(content, sort, 150, true))
      assert.ok(ms <= 1.5 * alone + 1_000, `${ms} ms`)
    })
  }

for (const [what, sort] of [
  ['never answers', SORTS['never answer']],
  ['never sends its list', SORTS['never send their list']],
  ['drips', SORTS.drip],
  ['is always busy', SORTS['are always busy']],
  ['gives one chunk and then none', SORTS['give one chunk and then none']],
] as const)
  for (const size of [60_000, 1_000_000])
    for (const isAlone of [true, false])
      test(`ten files of ${size} bytes in the LAN, one holder that ${what}${isAlone ? '' : ' and an honest one'}: only the first pays`, async () => {
        const record = createPeerRecord(createClock())
        const isNeighbour = true
        for (let n = 0; n < 10; n++) {
          const content = makeContent(size + n)
          const honestOnes = isAlone ? [] : [honest(content, { isNeighbour, host: '10.0.0.2' })]
          const silent = { content, isNeighbour, host: '10.0.0.1', ...sort!(content, 0) }
          const without = await msOf(content, honestOnes)
          const ms = await msOf(content, [silent, ...honestOnes], 1_000_000, record)
          assert.ok(n === 0 || ms <= without + 10, `file ${n}: ${ms} ms, without it ${without}`)
        }
      })

test('who was silent and gives again is a holder as any other', async () => {
  const record = createPeerRecord(createClock())
  const peer = { content: SMALL, isNeighbour: true, host: '10.0.0.1' }
  const files = [SMALL, makeContent(1_000_001), makeContent(1_000_002)]
  await msOf(SMALL, [{ ...peer, on: () => 'silence' }], 1_000_000, record)
  const times: number[] = []
  for (const content of files) times.push(await msOf(content, [{ ...peer, content }], 1_000_000, record))
  assert.ok(times[2]! < 500, `${times} ms`)
})

test.run()
