import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  chunksPerSpan,
  createMirrorShares,
  type MirrorShares,
  type OwnDownload,
} from '../../../src/fetch/crowd/mirror-shares.ts'
import type { PeerRecord } from '../../../src/fetch/sources/peer-record.ts'
import type { HaveMaps } from '../../../src/transfer/have-maps.ts'
import { createClock } from '../../clock.ts'

const MIB = 1024 * 1024
const CHUNK = 64 * 1024
const HASH = 'f'.repeat(64)
const names = ['ann', 'bob', 'cid', 'dan', 'eve']

/** What a node says: chunks in hand, and chunks of the mirror's. */
function maps(chunks: number, hand: number[] = [], own: number[] = hand): HaveMaps {
  const map = (list: number[]) =>
    Uint8Array.from({ length: chunks }, (_, chunk) => Number(list.includes(chunk)))
  return { hand: map(hand), own: map(own) }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

function mine(change: Partial<OwnDownload> = {}): OwnDownload {
  return { able: true, has: () => false, own: () => false, rate: 0, rateBefore: 0, ...change }
}

/** All have given something before. */
const ALL_GAVE: PeerRecord = { hasGiven: () => true, isSilent: () => false, note() {} }

/** The shares as `self` sees it, with the others as members that have said that they have nothing. */
function seenBy(self: string, others: string[], size = 8 * MIB, record = ALL_GAVE) {
  const clock = createClock()
  const shares = createMirrorShares({ clock, self, record }, { sha256: HASH, size })
  const chunks = Math.ceil(size / CHUNK)
  for (const id of others) shares.heard(id, maps(chunks))
  return { clock, shares, chunks }
}

const mySpans = (shares: MirrorShares, spans = 8, how = mine()) =>
  range(0, spans).filter((span) => shares.turns(how)(span * 16 + 15))

/** Winds the clock as a job does. */
function wind(
  { clock, shares }: { clock: ReturnType<typeof createClock>; shares: MirrorShares },
  ms: number,
  how = mine(),
) {
  for (let at = 0; at < ms; at += 100) {
    clock.advance(100)
    shares.tick(how)
  }
}

for (const [size, chunks] of [
  [1, 16],
  [8 * MIB + 7, 16],
  [12 * MIB, 24],
  [32 * MIB, 64],
  [64 * MIB, 64],
  [64 * MIB + 1, 4],
  [16 * 1024 * MIB, 4],
] as const)
  test(`a span of a file of ${size} bytes is ${chunks} chunks`, () => {
    assert.is(chunksPerSpan(size), chunks)
  })

test('all who see the same members agree: each span is one node’s', () => {
  const owners = names.map((self) =>
    mySpans(
      seenBy(
        self,
        names.filter((name) => name !== self),
      ).shares,
    ),
  )
  assert.equal(
    owners.flat().sort((a, b) => a - b),
    range(0, 8),
  )
  assert.ok(owners.filter((spans) => spans.length > 0).length >= 3, 'not all with one')
})

test('a file of one chunk is one node’s; other files are others’', () => {
  const owner = (sha256: string) =>
    names.find((self) => {
      const shares = createMirrorShares(
        { clock: createClock(), self, record: ALL_GAVE },
        { sha256, size: 100 },
      )
      for (const id of names) if (id !== self) shares.heard(id, maps(1))
      return shares.turns(mine())(0)
    })
  const owners = new Set('0123456789abcdef'.split('').map((digit) => owner(digit.repeat(64))))
  assert.ok(owners.size >= 3, `${owners.size}`)
  assert.not.ok(owners.has(undefined))
})

test('without members everything is this node’s', () => {
  const { shares } = seenBy('ann', [])
  assert.equal(mySpans(shares), range(0, 8))
  assert.not.ok(shares.isHopeful(mine()))
})

test('who cannot ask the mirror leaves all to the others, and hopes', () => {
  const { shares } = seenBy('ann', ['bob'])
  assert.equal(mySpans(shares, 8, mine({ able: false })), [])
  assert.ok(shares.isHopeful(mine({ able: false })))
})

test('a span that a member has begun stays with it; a newcomer takes only what nobody has begun', () => {
  const { shares, chunks } = seenBy('ann', ['bob'])
  shares.heard('bob', maps(chunks, [], range(0, 64)))
  assert.equal(mySpans(shares, 4), [])
  assert.ok(mySpans(shares).length > 0)
})

test('two have asked for the same: one of them keeps it, and both know which', () => {
  const chunks = 128
  const claims = maps(chunks, [], range(0, chunks))
  const both = ['ann', 'bob'].map((self) => {
    const { shares } = seenBy(
      self,
      ['ann', 'bob'].filter((name) => name !== self),
    )
    shares.heard(self === 'ann' ? 'bob' : 'ann', claims)
    return mySpans(shares, 8, mine({ own: () => true }))
  })
  assert.equal(
    both.flat().sort((a, b) => a - b),
    range(0, 8),
  )
})

test('a member that is gone leaves its spans to the others at once', () => {
  const { shares, chunks } = seenBy('ann', ['bob', 'cid'])
  shares.heard('bob', maps(chunks, [], range(0, 128)))
  assert.equal(mySpans(shares), [])
  shares.left('bob')
  const cid = seenBy('cid', ['ann', 'bob'])
  cid.shares.left('bob')
  assert.equal(
    [...mySpans(shares), ...mySpans(cid.shares)].sort((a, b) => a - b),
    range(0, 8),
  )
})

test('who has asked and brings nothing is passed over after its bound, and only the next in rank takes over', () => {
  const views = ['ann', 'cid'].map((self) => {
    const view = seenBy(
      self,
      ['ann', 'bob', 'cid'].filter((name) => name !== self),
    )
    view.shares.heard('bob', maps(view.chunks, [], range(0, 128)))
    wind(view, 4_300)
    assert.equal(mySpans(view.shares), [], 'not yet')
    wind(view, 300)
    return mySpans(view.shares)
  })
  assert.equal(
    views.flat().sort((a, b) => a - b),
    range(0, 8),
  )
})

test('who makes progress is not passed over, and who was comes back with it', () => {
  const view = seenBy('ann', ['bob'])
  for (let got = 0; got < 8; got++) {
    view.shares.heard('bob', maps(view.chunks, range(0, got), range(0, 128)))
    wind(view, 3_000)
    assert.equal(mySpans(view.shares), [])
  }
  wind(view, 1_400)
  assert.equal(mySpans(view.shares), range(0, 8))
  view.shares.heard('bob', maps(view.chunks, range(0, 9), range(0, 128)))
  assert.equal(mySpans(view.shares), [])
})

test('to ask for ever more is no progress', () => {
  const view = seenBy('ann', ['bob'])
  for (let n = 1; n <= 5; n++) {
    view.shares.heard('bob', maps(view.chunks, [], range(0, 25 * n)))
    wind(view, 1_000)
  }
  assert.equal(mySpans(view.shares), range(0, 8))
})

test('a file of one span is waited for no longer than a second and a chunk', () => {
  const view = seenBy('ann', ['bob'], 100_000)
  view.shares.heard('bob', maps(2, [], [0, 1]))
  wind(view, 2_300)
  assert.equal(mySpans(view.shares, 1), [])
  wind(view, 200)
  assert.equal(mySpans(view.shares, 1), [0])
})

for (const [why, size, rate, ms] of [
  ['a quick mirror’s', 8 * MIB, 5_000_000, 3_262],
  ['a slow one’s, as it was here', 8 * MIB, 20_000, 6_277],
  ['a large one from a slow mirror, but not for ever', 100 * MIB, 20_000, 13_000],
] as const) {
  test(`a chunk is waited for as long as it takes beside three seconds: ${why}`, () => {
    const how = mine({ rateBefore: rate })
    const view = seenBy('ann', ['bob'], size)
    const chunks = view.chunks
    view.shares.heard('bob', maps(chunks, [], range(0, chunks)))
    wind(view, Math.floor(ms / 100) * 100, how)
    assert.not.ok(view.shares.turns(how)(0))
    wind(view, 200, how)
    assert.ok(view.shares.turns(how)(0))
  })
}

test('a member whose mirror is far slower than ours keeps the nearer half of what it has asked for', () => {
  const how = mine({ rate: 2_000_000 })
  const view = seenBy('ann', ['bob'])
  const says = (had: number, asked: number) =>
    view.shares.heard('bob', maps(view.chunks, range(0, had), range(0, asked)))
  says(0, 128)
  for (const had of [1, 2, 3]) {
    wind(view, 1_000, how)
    says(had, 128)
  }
  assert.equal(mySpans(view.shares, 8, how), [], 'not yet measured')
  wind(view, 1_100, how)
  assert.equal(mySpans(view.shares, 8, how), range(4, 8))
  says(4, 64)
  assert.equal(mySpans(view.shares, 8, how), range(2, 8), 'half of what it has left')
  says(4, 10)
  assert.equal(mySpans(view.shares, 8, how), range(0, 8), 'so little is not left to it')
  assert.ok(view.shares.isHopeful(mine({ able: false })), 'it is better than nobody')
})

test('a member that is slow at first, as all are who share a line, keeps its span', () => {
  const how = mine({ rate: 1_000_000 })
  const view = seenBy('ann', ['bob'])
  view.shares.heard('bob', maps(view.chunks, [], range(0, 128)))
  for (let had = 1; had <= 4; had++) {
    wind(view, 700, how)
    view.shares.heard('bob', maps(view.chunks, range(0, had), range(0, 128)))
  }
  for (let had = 16; had <= 112; had += 12) {
    wind(view, 500, how)
    view.shares.heard('bob', maps(view.chunks, range(0, had), range(0, 128)))
    assert.equal(mySpans(view.shares, 8, how), [])
  }
})

test('of two who have asked for the same the one keeps it that comes to it much sooner', () => {
  for (const [place, isAnns] of [
    [40, true],
    [20, false],
  ] as const) {
    const { shares, chunks } = seenBy('ann', ['bob'])
    shares.heard('bob', maps(chunks, range(0, 30), range(0, 128)))
    const asked = range(place, 128)
    const turns = shares.turns(mine({ own: (chunk) => asked.includes(chunk) }))
    assert.is(turns(100), isAnns)
  }
})

test('who has never given anything is passed over within a second; who has kept silent before owes nothing', () => {
  const record = (how: Partial<PeerRecord>) => ({ ...ALL_GAVE, hasGiven: () => false, ...how })
  const how = mine({ rate: 1_000_000 })
  const view = seenBy('ann', ['bob'], 8 * MIB, record({}))
  view.shares.heard('bob', maps(view.chunks, [], range(0, 128)))
  wind(view, 500, how)
  assert.equal(mySpans(view.shares, 8, how), [])
  wind(view, 200, how)
  assert.equal(mySpans(view.shares, 8, how), range(0, 8))
  const silent = seenBy('ann', ['bob'], 8 * MIB, record({ isSilent: () => true }))
  silent.shares.heard('bob', maps(silent.chunks, [], range(0, 128)))
  assert.equal(mySpans(silent.shares, 8, how), range(0, 8))
  assert.not.ok(silent.shares.isHopeful(mine({ able: false })))
})

test('all are passed over and this node has no mirror: nobody is hoped for', () => {
  const how = mine({ able: false })
  const view = seenBy('ann', ['bob', 'cid'])
  assert.ok(view.shares.isHopeful(how))
  wind(view, 10_000, how)
  assert.not.ok(view.shares.isHopeful(how))
})

test.run()
