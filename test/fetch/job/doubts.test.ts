import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { createChunkMap } from '../../../src/fetch/file/chunk-map.ts'
import { createDoubts } from '../../../src/fetch/job/doubts.ts'
import { createRequestPlan } from '../../../src/fetch/job/request-plan.ts'
import { createStandings } from '../../../src/fetch/job/standings.ts'
import type { ChunkSource, FileSource, SourceOwner } from '../../../src/fetch/sources/source.ts'
import { createClock } from '../../clock.ts'

const CHUNK = 64 * 1024

/** Doubts of peers that keep all they are asked for, since the clock began. */
function setUp(chunks = 4) {
  const clock = createClock()
  const map = createChunkMap(chunks * CHUNK)
  const plan = createRequestPlan<FileSource>(map, chunks * CHUNK)
  const standings = createStandings(clock, CHUNK)
  const owners = new Map<ChunkSource, SourceOwner>()
  const doubts = createDoubts({ clock, log: silentLog, map, plan, standings, owners }, CHUNK)
  const asked: [string, number][] = []
  const told: string[] = []
  function peer(label: string, { suspect = false, partial = false, owes = true } = {}): ChunkSource {
    const source: ChunkSource = {
      kind: 'peer',
      label,
      near: true,
      partial,
      news: 0,
      latency: 0,
      heard: owes ? 0 : undefined,
      waitingSince: owes ? 0 : undefined,
      progress: 0,
      rate: () => 0,
      has: () => true,
      ask() {},
      cancel() {},
      close() {},
    }
    owners.set(source, {
      role: 'holder',
      stood: (conduct) => void told.push(`${label} ${conduct}`),
      gone() {},
      rejected() {},
      vouchesFor: () => undefined,
    })
    doubts.add(source, suspect)
    return source
  }
  const tryOut = () =>
    doubts.tryOut((source, chunk) => {
      asked.push([source.label, chunk])
      plan.ask(source, chunk)
    })
  return { clock, map, plan, doubts, standings, asked, told, peer, tryOut }
}

test('a suspect is asked once, for the last chunk that is left, which is anybody’s all the same', () => {
  const { map, plan, asked, peer, tryOut, doubts } = setUp()
  map.here(3)
  const silent = peer('silent', { suspect: true, owes: false })
  assert.not.ok(doubts.look(silent), 'it is not left before it was asked')
  tryOut()
  tryOut()
  assert.equal(asked, [['silent', 2]])
  assert.ok(plan.isFree(2))
})

test('a suspect that gives is one no more', () => {
  const { standings, peer, doubts, told } = setUp()
  const late = peer('late', { suspect: true })
  assert.ok(standings.isSuspect(late) && standings.isDoubted(late))
  doubts.gave(late)
  assert.not.ok(standings.isSuspect(late) || standings.isDoubted(late))
  assert.equal(told, [], 'it has its name back at the end')
  doubts.over(late)
  assert.equal(told, ['late gave'])
})

for (const [asked, gave, conduct] of [
  [2, 1, 'silent'],
  [3, 2, 'gave'],
] as const) {
  test(`a suspect that has given ${gave} of ${asked} by the end: ${conduct}`, () => {
    const { standings, peer, doubts, told } = setUp()
    const ann = peer('ann', { suspect: true, owes: false })
    for (let n = 0; n < asked; n++) standings.asked(ann)
    for (let n = 0; n < gave; n++) doubts.gave(ann)
    doubts.over(ann)
    assert.equal(told, [`ann ${conduct}`])
  })
}

test('of whom nobody doubted it says nothing how much of what it was asked came from others', () => {
  const { standings, peer, doubts, told } = setUp()
  const ann = peer('ann', { owes: false })
  for (let n = 0; n < 9; n++) standings.asked(ann)
  doubts.gave(ann)
  doubts.over(ann)
  assert.equal(told, ['ann gave'])
})

test('who keeps the first that it is asked for is late, and silent when it is left', () => {
  const { clock, doubts, peer, told } = setUp()
  const silent = peer('ann')
  clock.advance(600)
  assert.not.ok(doubts.look(silent))
  assert.equal(told, ['ann late'])
  clock.advance(1_400)
  assert.ok(doubts.look(silent))
  assert.equal(told, ['ann late', 'ann silent'])
})

test('who has given something is late without being told on', () => {
  const { clock, doubts, peer, told } = setUp()
  const busy = peer('ann')
  doubts.gave(busy)
  clock.advance(600)
  doubts.look(busy)
  assert.equal(told, ['ann gave'])
})

test('when the file is whole a holder that was asked in vain is remembered; a member isn’t', () => {
  const { clock, doubts, peer, told } = setUp()
  const [holder, member, idle] = [
    peer('holder'),
    peer('member', { partial: true }),
    peer('idle', { owes: false }),
  ]
  clock.advance(300)
  for (const one of [holder, member, idle]) doubts.over(one)
  assert.equal(told, ['holder late'])
})

test.run()
