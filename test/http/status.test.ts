import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createProblems } from '../../src/base/problems.ts'
import type { Job } from '../../src/fetch/job/job.ts'
import { noCounts } from '../../src/figures/counts.ts'
import { createTallies } from '../../src/figures/tallies.ts'
import { type StatusSources, statusOf } from '../../src/http/status.ts'
import { createClock } from '../clock.ts'

const [FRIEND, STRANGER] = ['a'.repeat(64), 'b'.repeat(64)]

function start(more: Partial<StatusSources> = {}) {
  const clock = createClock()
  const tallies = createTallies(clock)
  const held = new Map([1, 2, 3, 4, 5, 6].map((n) => [`${n}`, { name: `file${n}`, size: n }]))
  const peer = (id: string, distance: 'link' | 'world') =>
    ({ id, address: '192.0.2.1:8048', direction: 'out', since: 0, companion: false, distance }) as const
  const status = () =>
    statusOf({
      overlay: {
        id: 'i',
        listening: '[::]:8048',
        reachable: 'yes',
        banned: 0,
        neighbours: () => [peer(FRIEND, 'link'), peer(STRANGER, 'world')],
      },
      dht: undefined,
      catalogue: { count: 6, bytes: 21, find: (sha256) => held.get(sha256) } as StatusSources['catalogue'],
      jobs: () => [],
      figures: {
        sinceStart: noCounts(),
        sums: () => ({ today: noCounts(), days30: noCounts(), ever: noCounts() }),
        days: () => [],
      },
      tallies,
      problems: createProblems(clock),
      wanted: () => ({ lan: true, direct: 0, webhosts: 0, keys: 0 }),
      nameOf: (id) => (id === FRIEND ? 'desk-2' : undefined),
      version: '1',
      clock,
      ...more,
    })
  return { clock, tallies, status, held }
}

test('a neighbour has its name where it says one, and what went to and fro', () => {
  const { tallies, status } = start()
  tallies.took(FRIEND, 5)
  tallies.gave(FRIEND, 7, '1')
  const [friend, stranger] = status().peers
  assert.equal([friend!.name, friend!.distance, friend!.gave, friend!.took], ['desk-2', 'link', 5, 7])
  assert.equal([stranger!.name, stranger!.gave, stranger!.took], [null, 0, 0])
})

test('what others asked for of the cache, without what is no longer in it', () => {
  const { tallies, status, held } = start()
  for (const n of [1, 2, 3, 4, 5, 6]) tallies.gave(FRIEND, n * 10, `${n}`)
  tallies.gave(FRIEND, 1_000, 'on its way')
  assert.equal(status().asked, {
    count: 6,
    bytes: 21,
    given: 210,
    most: [6, 5, 4, 3, 2].map((n) => ({ file: `file${n}`, given: n * 10 })),
  })
  held.delete('6')
  assert.is(status().asked.count, 5)
})

test('a transfer says who gives how much, by name where there is one, and how fast it is in all', () => {
  const job = {
    file: { name: 'x', size: 10, sha256: '' },
    done: 4,
    sources: 2,
    from: () => [
      { label: '192.0.2.1:8048 (aaaaaaaa)', id: FRIEND, kind: 'site', bytes: 3, rate: 1.4 },
      { label: 'http://m/x', id: undefined, kind: 'mirror', bytes: 1, rate: 2 },
    ],
  } as unknown as Job
  assert.equal(start({ jobs: () => [job] }).status().transfers, [
    {
      file: 'x',
      size: 10,
      done: 4,
      sources: 2,
      rate: 3,
      from: [
        { source: 'desk-2', kind: 'site', bytes: 3, rate: 1 },
        { source: 'http://m/x', kind: 'mirror', bytes: 1, rate: 2 },
      ],
    },
  ])
})

test('moments are dates', () => {
  const { clock, tallies, status } = start()
  tallies.trouble('banned', 'why')
  clock.advance(60_000)
  const ago = Date.now() - Date.parse(status().troubles[0]!.at)
  assert.ok(ago >= 60_000 && ago < 90_000, `${ago}`)
})

test.run()
