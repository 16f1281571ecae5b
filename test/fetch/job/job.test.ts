import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rootOf } from '../../../src/base/chunks.ts'
import { PacsrvError } from '../../../src/base/error.ts'
import {
  createLab,
  createMemorySpool,
  type LabOptions,
  listOf,
  makeContent,
  NOTHING_LEFT,
  spoilt,
} from './lab.ts'

const CHUNK = 64 * 1024
/** 40 chunks: auto holds the mirror back for 262 ms. */
const big = makeContent(40 * CHUNK - 1000)
/** Three chunks: auto asks the mirror at once. */
const small = makeContent(3 * CHUNK)
const tiny = makeContent(5_000)

type Lab = ReturnType<typeof createLab>

/** Runs a job to a good end: the right bytes, all told, nothing left behind. */
async function succeeds(options: LabOptions): Promise<Lab> {
  const lab = createLab(options)
  const end = await lab.run()
  assert.is(end?.result, 'done', JSON.stringify(end))
  assert.ok(lab.handed.equals(options.content), 'the follower got other bytes')
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
  return lab
}

async function failsWith(options: LabOptions, result: 'mirror' | 'mismatch'): Promise<Lab> {
  const lab = createLab(options)
  const end = await lab.run()
  assert.is(end?.result, result, JSON.stringify(end))
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
  return lab
}

function origins({ job: { end } }: Lab) {
  if (end?.result !== 'done') throw new Error('not done')
  return { fromPeers: end.fromPeers, fromMirror: end.fromMirror, peers: end.peers.length }
}

test('one holder gives everything, and the mirror is left alone', async () => {
  const lab = await succeeds({ content: big, peers: [{ content: big }], mirrors: [{ content: big }] })
  assert.equal(origins(lab), { fromPeers: big.length, fromMirror: 0, peers: 1 })
  assert.is(lab.mirrorSeen.length, 0)
  assert.is(lab.peers[0]!.given.length, 40, 'no chunk was sent twice')
})

test('several holders share the work', async () => {
  const lab = await succeeds({
    content: big,
    peers: [1, 2, 3].map(() => ({ content: big })),
    mirrors: [{ content: big }],
  })
  assert.equal(origins(lab), { fromPeers: big.length, fromMirror: 0, peers: 3 })
  for (const { given } of lab.peers) assert.ok(given.length >= 8, `one gave only ${given.length}`)
})

test('a slow holder loses its last chunks to a quick one', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big }, { content: big, rate: 20_000 }],
  })
  assert.ok(lab.clock.now() < 1_500, `took ${lab.clock.now()} ms`)
})

test('a chunk that came from elsewhere is called off', async () => {
  const lab = createLab({
    content: big,
    peers: [
      { content: big, rate: 1_000_000 },
      { content: big, on: (_, count) => (count < 4 ? 'give' : 'silence') },
    ],
  })
  await lab.run(() => lab.peers[1]!.cancelled > 0)
  assert.is(lab.job.end, undefined)
  assert.is((await lab.run())?.result, 'done')
  await lab.leftOver()
})

test('without neighbours the mirror is asked at once', async () => {
  const lab = await succeeds({ content: big, hasNeighbours: false, mirrors: [{ content: big }] })
  assert.equal(origins(lab), { fromPeers: 0, fromMirror: big.length, peers: 0 })
  assert.is(lab.mirrorSeen.length, 1)
  assert.ok(lab.clock.now() < 2_700, `took ${lab.clock.now()} ms`)
})

test('a small file waits for nobody unknown', async () => {
  const lab = await succeeds({ content: small, hasNeighbours: true, mirrors: [{ content: small }] })
  assert.ok(lab.clock.now() < 250, `took ${lab.clock.now()} ms`)
})

test('the mirror is held back for the delay, and no longer', async () => {
  for (const [delay, ms] of [
    ['auto', 50],
    [0, 0],
    [700, 700],
  ] as const) {
    const lab = createLab({
      content: big,
      hasNeighbours: true,
      searchMs: 5_000,
      delay,
      mirrors: [{ content: big }],
    })
    await lab.run(() => lab.mirrorSeen.length > 0)
    assert.ok(lab.clock.now() >= ms && lab.clock.now() <= ms + 100, `${delay}: after ${lab.clock.now()} ms`)
    await lab.run()
    assert.equal(await lab.leftOver(), NOTHING_LEFT)
  }
})

test('the search is over sooner than the delay: the mirror does not wait for it', async () => {
  const lab = createLab({
    content: big,
    hasNeighbours: true,
    searchMs: 20,
    delay: 5_000,
    mirrors: [{ content: big }],
  })
  await lab.run(() => lab.mirrorSeen.length > 0)
  assert.ok(lab.clock.now() < 50)
  await lab.run()
})

test('a holder dies in the middle: another takes over', async () => {
  const lab = await succeeds({
    content: big,
    peers: [
      { content: big, rate: 1_000_000, on: (_, count) => (count < 8 ? 'give' : 'die') },
      { content: big, rate: 1_000_000 },
    ],
    mirrors: [{ content: big }],
  })
  assert.is(lab.mirrorSeen.length, 0)
  assert.equal(lab.bans, [])
})

test('the only holder dies in the middle: the mirror gives the rest', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, on: (_, count) => (count < 8 ? 'give' : 'die') }],
    mirrors: [{ content: big }],
  })
  assert.equal(origins(lab), { fromPeers: 8 * CHUNK, fromMirror: big.length - 8 * CHUNK, peers: 1 })
  assert.equal(lab.bans, [])
})

test('a holder that stalls is left within its bound', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, rate: 1_000_000, on: (_, count) => (count < 8 ? 'give' : 'silence') }],
    mirrors: [{ content: big, rate: 10_000_000 }],
  })
  assert.ok(lab.clock.now() < 2_500, `took ${lab.clock.now()} ms`)
})

test('a holder that never gives anything is left, or is overtaken', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, on: () => 'silence' }],
    mirrors: [{ content: big, rate: 10_000_000 }],
  })
  assert.ok(lab.clock.now() < 1_500, `took ${lab.clock.now()} ms`)
})

test('a holder that sends no list keeps the mirror back no longer than the delay', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, listless: true }],
    mirrors: [{ content: big, rate: 10_000_000 }],
  })
  assert.ok(lab.clock.now() < 1_000, `took ${lab.clock.now()} ms`)
})

test('a holder that only ever says busy holds nobody up', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, rate: 50_000_000, on: (_, count) => (count < 4 ? 'give' : 'busy') }],
    mirrors: [{ content: big }],
  })
  assert.ok(lab.clock.now() < 6_000, `took ${lab.clock.now()} ms`)
})

test('a holder that only ever says busy, and no mirror: the caller is told to ask one', async () => {
  const lab = await failsWith({ content: big, peers: [{ content: big, on: () => 'busy' }] }, 'mirror')
  assert.ok(lab.clock.now() < 12_000, `took ${lab.clock.now()} ms`)
})

test('a holder that is busy for a moment is asked again', async () => {
  let refusals = 0
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, on: (chunk) => (chunk === 5 && refusals++ < 2 ? 'busy' : 'give') }],
  })
  assert.is(origins(lab).fromPeers, big.length)
})

test('signs of life are no chunks: who sends only those is left', async () => {
  const lab = createLab({ content: big, peers: [{ content: big, on: () => 'silence' }] })
  const chat = () => {
    lab.peers[0]!.chatter(64)
    lab.clock.after(500, chat)
  }
  chat()
  const end = await lab.run()
  assert.is(end?.result, 'mirror')
  assert.ok(lab.clock.now() < 12_000, `took ${lab.clock.now()} ms`)
})

test('who no longer has the file is left without a ban', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, on: (chunk) => (chunk > 3 ? 'absent' : 'give') }, { content: big }],
  })
  assert.equal(lab.bans, [])
})

test('a wrong chunk: its sender is left and banned, and the file comes right', async () => {
  const lab = await succeeds({
    content: big,
    peers: [
      { content: spoilt(big, 7), list: listOf(big) },
      { content: big, foundAfter: 30 },
    ],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans, [lab.peers[0]!.id])
  assert.equal(lab.forgotten, [lab.peers[0]!.id])
  assert.is(lab.rejected, 1)
})

test('a claim that proves false does not end the search: who is further away is found by another', async () => {
  for (const liar of [{ refuses: true }, { on: () => 'absent' as const }, { root: '0'.repeat(64) }]) {
    const lab = await succeeds({
      content: big,
      peers: [
        { content: big, ...liar },
        { content: big, foundBySearch: 2 },
      ],
      mirrors: [{ content: big }],
      delay: 2_000,
      searchMs: 10,
    })
    assert.is(origins(lab).fromMirror, 0, JSON.stringify(liar))
  }
})

test('where all claims prove false again and again, the job does not search for ever', async () => {
  const lab = await succeeds({
    content: big,
    peers: [1, 2, 3, 4].map((foundBySearch) => ({ content: big, refuses: true, foundBySearch })),
    mirrors: [{ content: big }],
    delay: 2_000,
    searchMs: 10,
  })
  assert.is(lab.searches, 3)
})

test('a wrong only chunk: the sender is banned, the mirror gives it', async () => {
  const lab = await succeeds({
    content: tiny,
    peers: [{ content: spoilt(tiny, 0), list: listOf(tiny), isNeighbour: true }],
    mirrors: [{ content: tiny }],
  })
  assert.equal(lab.bans, [lab.peers[0]!.id])
  assert.equal(origins(lab), { fromPeers: 0, fromMirror: tiny.length, peers: 0 })
})

test('a file of one chunk comes from a holder without a list', async () => {
  const lab = await succeeds({
    content: tiny,
    peers: [{ content: tiny, listless: true, isNeighbour: true }],
    mirrors: [{ content: tiny }],
  })
  assert.equal(origins(lab), { fromPeers: tiny.length, fromMirror: 0, peers: 1 })
})

test('a root that an answer puts in an honest holder’s mouth does it no harm', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, root: 'f'.repeat(64), foundAfter: 5 }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans, [])
  assert.is(origins(lab).fromPeers, big.length)
})

test('a liar’s root in an honest holder’s name: only the liar is banned', async () => {
  const evil = spoilt(big, 3)
  const lab = await succeeds({
    content: big,
    peers: [{ content: evil }, { content: big, root: rootOf(listOf(evil)), foundAfter: 20 }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans, [lab.peers[0]!.id])
})

test('a list of another length than the file has: banned', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, list: listOf(big).subarray(32), foundAfter: 5 }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans, [lab.peers[0]!.id])
  assert.equal(lab.peers[0]!.asked, [])
})

test('all vouch for a false list: they are banned, and the mirror completes the file in the same job', async () => {
  const evil = spoilt(big, 3)
  const lab = await succeeds({
    content: big,
    peers: [{ content: evil }, { content: evil }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans.sort(), lab.peers.map(({ id }) => id).sort())
  assert.equal(origins(lab), { fromPeers: 0, fromMirror: big.length, peers: 2 })
  assert.ok(lab.rewinds > 0, 'followers must be told that what they had was wrong')
})

test('a false list, and an honest group without any mirror: completed by the honest', async () => {
  const evil = spoilt(big, 3)
  const lab = await succeeds({ content: big, peers: [{ content: evil }, { content: big, foundAfter: 20 }] })
  assert.equal(lab.bans, [lab.peers[0]!.id])
  assert.is(origins(lab).fromPeers, big.length)
})

test('two lists: the mirror decides before the false one has cost a download', async () => {
  const evil = spoilt(big, 3)
  const lab = await succeeds({
    content: big,
    delay: 500,
    peers: [
      { content: evil, rate: 1_000_000 },
      { content: big, foundAfter: 20 },
    ],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans, [lab.peers[0]!.id])
  assert.equal(
    lab.mirrorSeen.map(({ start, end }) => [start, end]),
    [[3 * CHUNK, 4 * CHUNK - 1]],
  )
  assert.ok(lab.peers[0]!.given.length < 10)
  assert.is(origins(lab).fromMirror, 0)
})

test('two lists, and the mirror is silent: the job goes on by the first', async () => {
  const lab = await succeeds({
    content: big,
    peers: [
      { content: big, rate: 1_000_000 },
      { content: spoilt(big, 3), foundAfter: 20 },
    ],
    mirrors: [{ content: big, stallsAfter: 0 }],
  })
  assert.equal(origins(lab).fromPeers, big.length)
  assert.not.ok(lab.bans.includes(lab.peers[0]!.id))
})

test('a job that ends while the mirror is asked which list is false leaves nothing behind', async () => {
  const lab = createLab({
    content: big,
    peers: [{ content: big }, { content: spoilt(big, 3), foundAfter: 20 }],
    mirrors: [{ content: big, stallsAfter: 0 }],
  })
  await lab.run(() => lab.mirrorSeen.length > 0)
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
})

test('a mirror that contradicts a true list: the peers complete the file and are not banned', async () => {
  const lab = await succeeds({
    content: big,
    peers: [
      { content: big, rate: 100_000 },
      { content: big, rate: 100_000 },
    ],
    mirrors: [{ content: spoilt(big, 39, 30, 20) }],
  })
  assert.equal(lab.bans, [])
  assert.is(origins(lab).fromMirror, 0)
  assert.ok(lab.mostSources <= 3, 'nobody is a source twice')
})

test('two lists, the first false from its first chunk on: what came by it is forgotten, also what is being written', async () => {
  const evil = spoilt(big, 0)
  for (const held of [false, true]) {
    const spool = createMemorySpool()
    let release = () => {}
    if (held) {
      spool.holdWrites = new Promise((resolve) => {
        release = resolve
      })
    }
    const lab = createLab({
      content: big,
      peers: [
        { content: evil, rate: 1_000_000 },
        { content: big, foundAfter: 100, rate: 1_000_000 },
      ],
      mirrors: [{ content: big }],
      delay: 5_000,
      spool,
    })
    await lab.run(() => lab.bans.length > 0)
    release()
    assert.is((await lab.run())?.result, 'done')
    assert.equal(lab.bans, [lab.peers[0]!.id])
    assert.ok(lab.handed.equals(big))
    assert.equal(await lab.leftOver(), NOTHING_LEFT)
  }
})

test('what is here is noted in the spool every second, for a daemon that is killed', async () => {
  const lab = createLab({ content: big, peers: [{ content: big, rate: 200_000 }] })
  const noted = () => lab.spool.files.get(lab.file.sha256)?.noted.length ?? 0
  await lab.run(() => lab.clock.now() > 2_200)
  assert.ok(noted() >= 5, `${noted()} noted`)
  assert.is(lab.job.end, undefined)
  await lab.leftOver()
})

test('one that trickles no chunks is overtaken by a slow mirror too', async () => {
  const lab = createLab({
    content: small,
    peers: [{ content: small, on: () => 'silence', isNeighbour: true }],
    mirrors: [{ content: small, rate: 50_000 }],
  })
  const chat = () => {
    lab.peers[0]!.chatter(8_000)
    lab.clock.after(500, chat)
  }
  chat()
  assert.is((await lab.run())?.result, 'done')
  assert.ok(lab.clock.now() < 6_000, `took ${lab.clock.now()} ms`)
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
})

test('a mirror that ends without a head has failed, whatever it gave before', async () => {
  await succeeds({
    content: big,
    peers: [{ content: big, rate: 300_000, on: (_, count) => (count < 2 ? 'give' : 'silence') }],
    mirrors: [{ content: big, headlessAfter: 1 }, { content: big }],
  })
})

test('a mirror whose wrong bytes came before any list: the peers are not to blame', async () => {
  const lab = await succeeds({
    content: big,
    delay: 0,
    peers: [{ content: big, foundAfter: 400 }],
    mirrors: [{ content: spoilt(big, 0) }],
  })
  assert.equal(lab.bans, [])
})

test('a whole from the mirror that is wrong: the next mirror gives it', async () => {
  const lab = await succeeds({
    content: big,
    hasNeighbours: false,
    mirrors: [{ content: spoilt(big, 2) }, { content: big }],
  })
  assert.is(origins(lab).fromMirror, big.length)
  assert.ok(lab.rewinds > 0)
})

test('every mirror has something else: mismatch, and all but the last chunk was ever readable', async () => {
  const lab = await failsWith(
    {
      content: big,
      hasNeighbours: false,
      mirrors: [{ content: spoilt(big, 2) }, { content: spoilt(big, 3) }],
    },
    'mismatch',
  )
  assert.is(lab.highest, 39 * CHUNK)
})

test('a wrong only chunk of every mirror: mismatch', async () => {
  await failsWith(
    { content: tiny, hasNeighbours: false, mirrors: [{ content: spoilt(tiny, 0) }] },
    'mismatch',
  )
})

test('a mirror without ranges: what is here already is passed over', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, on: (_, count) => (count < 8 ? 'give' : 'die') }],
    mirrors: [{ content: big, ranges: false }],
  })
  assert.equal(origins(lab), { fromPeers: 8 * CHUNK, fromMirror: big.length - 8 * CHUNK, peers: 1 })
})

for (const [how, fault] of [
  ['404', { content: big, fault: 'The requested URL returned error: 404' }],
  ['another length', { content: makeContent(big.length + 1) }],
  ['ends early', { content: big, endsAfter: 5 * CHUNK + 10 }],
  ['ends at once', { content: big, endsAfter: 0 }],
  ['stalls', { content: big, stallsAfter: 5 * CHUNK + 10 }],
] as const) {
  test(`a mirror that fails (${how}): the next one gives the file`, async () => {
    const lab = await succeeds({ content: big, hasNeighbours: false, mirrors: [fault, { content: big }] })
    assert.is(origins(lab).fromMirror, big.length)
  })
  const end = how === '404' || how === 'stalls' ? 'mirror' : 'mismatch'
  test(`the only mirror fails (${how}): the caller is told ${end === 'mirror' ? 'to ask one' : 'that it is wrong'}`, async () => {
    await failsWith({ content: big, hasNeighbours: false, mirrors: [fault] }, end)
  })
}

test('a mirror fails while the search is on: the holder that it finds gives the file', async () => {
  const lab = await succeeds({
    content: small,
    hasNeighbours: true,
    peers: [{ content: small, foundAfter: 400 }],
    mirrors: [{ content: small, fault: '404' }],
  })
  assert.is(origins(lab).fromPeers, small.length)
})

test('no mirror allowed and nobody has it: the caller is told to ask one, soon', async () => {
  const lab = await failsWith({ content: big, hasNeighbours: true, searchMs: 5_000 }, 'mirror')
  assert.ok(lab.clock.now() < 400, `took ${lab.clock.now()} ms`)
})

test('holders that cannot be reached: forgotten, and the mirror gives the file', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, refuses: true }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.forgotten, [lab.peers[0]!.id])
})

test('what an earlier job left is taken up', async () => {
  const spool = createMemorySpool()
  const first = createLab({ content: big, peers: [{ content: big, rate: 1_000_000 }], spool })
  await first.run(() => first.peers[0]!.given.length >= 10)
  const left = await first.leftOver()
  assert.equal(left, NOTHING_LEFT)
  assert.is(first.job.end?.result, 'mirror')
  const kept = spool.files.get(first.file.sha256)!.noted.length
  assert.ok(kept >= 9, `kept ${kept}`)

  const second = await succeeds({ content: big, peers: [{ content: big }], spool })
  assert.is(origins(second).fromPeers, second.peers[0]!.given.length * CHUNK - 1000)
  assert.is(second.peers[0]!.given.length, 40 - kept)
})

test('all that was needed was left by an earlier job: done without asking anybody', async () => {
  const spool = createMemorySpool()
  await succeeds({ content: big, peers: [{ content: big }], spool })
  const lab = await succeeds({ content: big, peers: [{ content: big }], mirrors: [{ content: big }], spool })
  assert.equal(lab.peers[0]!.asked, [])
  assert.is(lab.mirrorSeen.length, 0)
})

test('what an earlier job left is wrong: fetched again, and nobody is banned for it', async () => {
  for (const peers of [[], [{ content: big }]]) {
    const spool = createMemorySpool()
    const lab = createLab({ content: big, spool })
    await lab.run()
    await lab.leftOver()
    spool.files.set(lab.file.sha256, { bytes: spoilt(big, 4), noted: [0, 1, 2, 3, 4, 5, 6, 7] })
    const again = await succeeds({ content: big, peers, mirrors: [{ content: big }], spool })
    assert.equal(again.bans, [])
  }
})

test('all of what an earlier job left is wrong: fetched again', async () => {
  const spool = createMemorySpool()
  const all = Array.from({ length: 40 }, (_, chunk) => chunk)
  const idle = createLab({ content: big, spool })
  const { file } = idle
  await idle.leftOver()
  spool.files.set(file.sha256, { bytes: spoilt(big, 4), noted: all })
  await succeeds({ content: big, hasNeighbours: false, mirrors: [{ content: big }], spool })
})

test('nobody waits any more: the job stops, and keeps what it has', async () => {
  const lab = createLab({ content: big, peers: [{ content: big }], mirrors: [{ content: big }] })
  await lab.run(() => lab.peers[0]!.given.length >= 5)
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
  const asked = lab.peers[0]!.asked.length
  await lab.wind(3_000)
  assert.is(lab.peers[0]!.asked.length, asked)
  assert.ok(lab.spool.files.get(lab.file.sha256)!.noted.length >= 4)
})

test('one of two followers leaves: the job goes on for the other', async () => {
  const lab = createLab({ content: big, peers: [{ content: big }] })
  const leave = lab.job.follow({ onChange() {}, onRewind() {} })
  await lab.run(() => lab.peers[0]!.given.length >= 5)
  leave()
  assert.is((await lab.run())?.result, 'done')
})

test('everybody leaves while the spool file is being opened: it is closed again', async () => {
  const spool = createMemorySpool()
  let release = () => {}
  spool.holdOpen = new Promise((resolve) => {
    release = resolve
  })
  const lab = createLab({ content: big, peers: [{ content: big }], spool })
  lab.leave()
  release()
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
})

test('a spool that cannot be opened: the caller is told to ask the mirror', async () => {
  const spool = createMemorySpool()
  spool.refuse = new PacsrvError('spool', 'no room for it')
  const lab = await failsWith({ content: big, peers: [{ content: big }], spool }, 'mirror')
  assert.match((lab.job.end as { reason: string }).reason, 'no room')
})

test('the spool is full in the middle: the caller is told to ask the mirror', async () => {
  const spool = createMemorySpool()
  spool.room = 10 * CHUNK
  const lab = await failsWith(
    { content: big, peers: [{ content: big }], mirrors: [{ content: big }], spool },
    'mirror',
  )
  assert.match((lab.job.end as { reason: string }).reason, 'space')
})

test('the hashing thread dies: the caller is told to ask the mirror', async () => {
  const lab = createLab({ content: big, peers: [{ content: big }] })
  lab.hasher.broken = true
  assert.is((await lab.run())?.result, 'mirror')
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
})

test('peers that would need long are helped by the mirror', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, rate: 200_000 }],
    mirrors: [{ content: big }],
    mirrorRate: 1_000_000,
  })
  const { fromPeers, fromMirror } = origins(lab)
  assert.ok(fromPeers > 0 && fromMirror > fromPeers, `${fromPeers} and ${fromMirror}`)
  assert.ok(lab.clock.now() < 4_000, `took ${lab.clock.now()} ms`)
})

test('a mirror that a download limit holds back has not stalled', async () => {
  const large = makeContent(65 * 1024 * 1024)
  const lab = createLab({
    content: large,
    peers: [{ content: large, rate: 20_000, isNeighbour: true }],
    mirrors: [{ content: large }, { content: large }],
    delay: 0,
    downloadLimit: 200_000,
  })
  await lab.run(() => lab.clock.now() > 60_000)
  assert.ok(lab.mirrorSeen.length > 0)
  assert.ok(lab.mirrorSeen.every(({ index }) => index === 0))
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
})

test('quick peers are not joined by the mirror, also when another holder comes at once', async () => {
  const lab = await succeeds({
    content: big,
    peers: [
      { content: big, rate: 50_000_000 },
      { content: big, rate: 50_000_000, foundAfter: 5 },
    ],
    mirrors: [{ content: big }],
  })
  assert.is(lab.mirrorSeen.length, 0)
})

test('stopping ends the job for all, with a reason', async () => {
  const lab = createLab({ content: big, peers: [{ content: big }] })
  await lab.run(() => lab.peers[0]!.given.length >= 5)
  await lab.job.stop('the daemon is stopping')
  assert.is(lab.job.end?.result, 'mirror')
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
})

const large = makeContent(8 * 1024 * 1024)

test('a slow mirror is joined by the next, and each byte is asked of one of them', async () => {
  const lab = await succeeds({
    content: large,
    hasNeighbours: false,
    mirrors: [
      { content: large, rate: 200_000 },
      { content: large, rate: 1_800_000 },
      { content: large, rate: 5_000_000 },
    ],
  })
  assert.equal([...new Set(lab.mirrorSeen.map(({ index }) => index))], [0, 1], 'two at once, no more')
  const sent = lab.mirrorSeen.reduce((sum, { bytes }) => sum + bytes, 0)
  assert.ok(sent < 1.06 * large.length, `${sent} bytes of ${large.length}`)
  assert.ok(lab.mirrorSeen.length <= 8, `${lab.mirrorSeen.length} requests`)
  // Alone it would take 42 s; both together, from the first second on, 5.2 s.
  assert.ok(lab.clock.now() < 6_500, `took ${lab.clock.now()} ms`)
})

test('a mirror that is as quick as can be hoped is left alone', async () => {
  const lab = await succeeds({
    content: large,
    hasNeighbours: false,
    mirrors: [
      { content: large, rate: 600_000 },
      { content: large, rate: 5_000_000 },
    ],
  })
  assert.ok(lab.mirrorSeen.every(({ index }) => index === 0))
})

test('a mirror that says nothing is joined by the next, then left', async () => {
  const lab = await succeeds({
    content: large,
    hasNeighbours: false,
    mirrors: [
      { content: large, stallsAfter: 0 },
      { content: large, rate: 1_000_000 },
    ],
  })
  assert.ok(lab.clock.now() < 11_000, `took ${lab.clock.now()} ms`)
})

test('two mirrors at once, one has other bytes: each is tried by itself', async () => {
  for (const bad of [0, 1]) {
    const lab = await succeeds({
      content: large,
      hasNeighbours: false,
      mirrors: [0, 1].map((index) => ({
        content: index === bad ? spoilt(large, 3, 100) : large,
        rate: 200_000 + index * 1_000_000,
      })),
    })
    assert.ok(lab.rewinds > 0)
  }
})

test('two mirrors at once have other bytes, the third is right', async () => {
  await succeeds({
    content: large,
    hasNeighbours: false,
    mirrors: [
      { content: spoilt(large, 3), rate: 200_000 },
      { content: spoilt(large, 100), rate: 1_000_000 },
      { content: large },
    ],
  })
})

test('a mirror gives some wrong bytes and fails, the next stands in: the next alone is right', async () => {
  await succeeds({
    content: large,
    hasNeighbours: false,
    mirrors: [{ content: spoilt(large, 3), endsAfter: 1_000_000 }, { content: large }],
  })
})

test.run()
