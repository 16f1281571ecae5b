import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../../src/base/error.ts'
import { createLimiter } from '../../../src/base/limiter.ts'
import { createChunkMap } from '../../../src/fetch/file/chunk-map.ts'
import { createMirrorEntry, type Hopeless } from '../../../src/fetch/job/mirror-entry.ts'
import type { Scheduler } from '../../../src/fetch/job/scheduler.ts'
import type { StreamSource } from '../../../src/fetch/sources/source.ts'
import { createClock } from '../../clock.ts'

const MB = 1_000_000
const URL = 'http://m/core/some.pkg'

function setUp({ size = 10 * MB, mirrors = [URL] as string[] } = {}) {
  const clock = createClock()
  const map = createChunkMap(size)
  const joined: string[] = []
  const hopeless: Hopeless[] = []
  const waiting = [...mirrors]
  const active = new Set<StreamSource>()
  const rates = { peers: 0, mirrors: 0 }
  const world = {
    intake: { searching: true, connecting: false, firstAt: undefined as number | undefined, live: false },
    members: { any: false, anyEver: false, awaited: false, hopeful: () => false },
    hasHolder: false,
    canBring: false,
    hasNeighbours: true,
  }
  const bytesFrom = { peer: 0, member: 0, mirror: 0, spool: 0 }
  const mirrorRates = new Map<string, number>()
  const entry = createMirrorEntry(
    {
      clock,
      downloads: createLimiter(clock, undefined),
      mirrorRates,
      network: { hasNeighbours: () => world.hasNeighbours },
      partial: { map, bytesFrom },
      scheduler: {
        mirrors: active,
        get nextMirror() {
          return waiting[0]
        },
        get hasHolder() {
          return world.hasHolder
        },
        joinMirror(rule: string) {
          joined.push(rule)
          const url = waiting.shift()
          if (url) active.add({ url, rate: () => rates.mirrors } as StreamSource)
        },
        peersRate: () => rates.peers,
        mirrorsRate: () => rates.mirrors,
        canBring: () => world.canBring,
      } as unknown as Scheduler,
      intake: world.intake,
      members: world.members,
      servers: undefined,
    },
    { name: 'some.pkg', size, mirrors, delay: 'auto', started: clock.now() },
    (why) => void hopeless.push(why),
  )
  return { clock, entry, map, world, joined, hopeless, active, rates, bytesFrom, mirrorRates }
}

test('the mirror joins by the rule that holds, once', () => {
  const { clock, entry, joined } = setUp()
  entry.consider()
  assert.equal(joined, [])
  clock.advance(99)
  entry.consider()
  assert.equal(joined, [])
  clock.advance(1)
  entry.consider()
  entry.consider()
  assert.equal(joined, ['no holder within the delay'])
})

test('peers that deliver are judged after a while; then the mirror helps if they are slow', () => {
  const { clock, entry, joined, world, rates, bytesFrom } = setUp()
  world.hasHolder = true
  world.intake.firstAt = 0
  bytesFrom.peer = 1
  rates.peers = MB
  entry.consider()
  clock.advance(299)
  entry.consider()
  assert.equal(joined, [])
  clock.advance(1)
  entry.consider()
  assert.equal(joined, ['peers would take over 2 s and the mirror shortens it by 15 %'])
})

test('a second mirror joins one that is slow, not while members share the mirror out', () => {
  const { clock, entry, joined, world, rates } = setUp({ mirrors: [URL, 'http://n/core/some.pkg'] })
  world.hasNeighbours = false
  entry.consider()
  rates.mirrors = 100_000
  clock.advance(1_000)
  world.members.any = true
  entry.consider()
  assert.is(joined.length, 1)
  world.members.any = false
  entry.consider()
  assert.is(joined.length, 2)
  assert.match(joined[1]!, /slow/)
})

for (const [who, change] of [
  ['a holder', { hasHolder: true }],
  ['a peer with something that is missing', { canBring: true }],
  ['a member', { members: { any: true, anyEver: true, awaited: false, hopeful: () => true } }],
] as const)
  test(`while ${who} may yet give something there is hope`, () => {
    const { clock, entry, hopeless, world } = setUp({ mirrors: [] })
    Object.assign(world.intake, { searching: false })
    Object.assign(world.members, 'members' in change ? change.members : {})
    Object.assign(world, { ...change, members: world.members })
    clock.advance(10_000)
    entry.consider()
    assert.equal(hopeless, [])
  })

test('a chunk that is being written is a hope too', () => {
  const { clock, entry, hopeless, map, world } = setUp({ mirrors: [] })
  world.intake.searching = false
  map.writing(0)
  clock.advance(10_000)
  entry.consider()
  assert.equal(hopeless, [])
  map.missing(0)
  entry.consider()
  assert.equal(hopeless, [{ result: 'mirror', reason: 'nobody in the network has it' }])
})

test('without hope the first failure of a mirror is the reason, or that they lied', () => {
  const failed = setUp({ mirrors: [] })
  failed.world.intake.searching = false
  failed.entry.failed(new PacsrvError('mirror', 'no route'))
  failed.entry.failed(new PacsrvError('mirror', 'and later'))
  failed.entry.consider()
  assert.equal(failed.hopeless, [{ result: 'mirror', reason: 'no route' }])
  failed.entry.lied()
  failed.entry.consider()
  assert.is(failed.hopeless[1]?.result, 'mismatch')
  assert.match(failed.hopeless[1]!.reason, /pacman -Sy/)
})

test('a mirror of another size lied too, and the search for others ends soon', () => {
  const { clock, entry, hopeless, active } = setUp()
  clock.advance(100)
  entry.consider()
  active.clear()
  entry.failed(new PacsrvError('mismatch', "the mirror's file has 30 bytes"))
  entry.consider()
  clock.advance(499)
  entry.consider()
  assert.equal(hopeless, [])
  clock.advance(1)
  entry.consider()
  assert.is(hopeless[0]?.result, 'mismatch')
})

test('who shared the mirror out leaves it to those who have the whole, while they give enough', () => {
  const { entry, world } = setUp()
  assert.not.ok(entry.isSpared)
  world.hasHolder = true
  world.members.anyEver = true
  world.intake.firstAt = 0
  assert.ok(entry.isSpared)
})

test('how fast a mirror was is remembered, but not by a small file', () => {
  for (const [size, known] of [
    [256 * 1024 + 1, 1],
    [256 * 1024, 0],
  ] as const) {
    const { entry, rates, mirrorRates, world } = setUp({ size })
    world.hasNeighbours = false
    entry.consider()
    rates.mirrors = MB
    entry.noteRates()
    assert.is(mirrorRates.size, known)
    if (known) assert.is(entry.rateBefore, MB)
  }
})

test.run()
