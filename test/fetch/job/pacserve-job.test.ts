import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLab, type LabOptions, listOf, makeContent, NOTHING_LEFT, spoilt } from './lab.ts'

const CHUNK = 64 * 1024
const big = makeContent(40 * CHUNK - 1000)
const small = makeContent(3 * CHUNK)
const tiny = makeContent(5_000)
/** As quick as a LAN. */
const rate = 20_000_000

async function succeeds(options: LabOptions) {
  const lab = createLab(options)
  const end = await lab.run()
  if (end?.result !== 'done') throw new Error(JSON.stringify(end))
  assert.ok(lab.handed.equals(options.content), 'the follower got other bytes')
  const left = await lab.leftOver()
  assert.equal(left, NOTHING_LEFT)
  return Object.assign(lab, { fromPeers: end.fromPeers, fromMirror: end.fromMirror })
}

for (const [what, content] of [
  ['a large', big],
  ['a small', small],
  ['a tiny', tiny],
] as const) {
  test(`the only one who has ${what} file is a server: the mirror is left alone`, async () => {
    const lab = await succeeds({ content, servers: [{ content, rate }], mirrors: [{ content }] })
    assert.is(lab.fromPeers, content.length)
    assert.equal(lab.mirrorSeen, [])
    assert.equal(lab.bans, [])
  })
}

test('a server that takes its time over a large file is helped by no mirror that would hardly help', async () => {
  const lab = await succeeds({
    content: big,
    servers: [{ content: big, rate: 2_000_000 }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.mirrorSeen, [])
})

test('without any mirror too, by ranges or without', async () => {
  for (const ranges of [true, false]) {
    const lab = await succeeds({ content: big, servers: [{ content: big, rate, ranges }] })
    assert.is(lab.fromPeers, big.length)
  }
})

test('servers that have another size, or never answer, cost 150 ms at most', async () => {
  const servers = [{ content: small }, { content: big, silent: true }]
  const lab = createLab({ content: tiny, servers, mirrors: [{ content: tiny }] })
  await lab.run(() => lab.mirrorSeen.length > 0)
  assert.ok(lab.clock.now() <= 250, `${lab.clock.now()} ms`)
  assert.is((await lab.run())?.result, 'done')
})

test('a server that breaks off in the middle: the mirror gives the rest', async () => {
  const lab = await succeeds({
    content: big,
    servers: [{ content: big, rate, endsAfter: 10 * CHUNK }],
    mirrors: [{ content: big }],
  })
  assert.ok(lab.fromPeers >= 9 * CHUNK && lab.fromMirror > 0)
})

test('nobody vouches for a server that lies: the whole finds it out, and the mirror is not blamed', async () => {
  const lab = await succeeds({
    content: big,
    servers: [{ content: spoilt(big, 7), rate }],
    mirrors: [{ content: big }],
  })
  assert.is(lab.fromMirror, big.length)
  assert.equal(lab.serversLeft(), [], 'it is left out from now on')
  assert.ok(lab.rejected > 0)
})

test('a server lies and no mirror is there: the caller is told to ask one', async () => {
  const lab = createLab({ content: big, servers: [{ content: spoilt(big, 7), rate }] })
  assert.is((await lab.run())?.result, 'mirror')
  assert.equal(await lab.leftOver(), NOTHING_LEFT)
  assert.equal(lab.serversLeft(), [])
})

test('by the list of an honest holder a lying server is found out at its first false chunk', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, rate: 2_000_000 }],
    servers: [{ content: spoilt(big, ...Array(40).keys()), rate }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans, [], 'the holder is not to blame')
  assert.equal(lab.serversLeft(), [])
})

test('what a server gave before there was a list is held against it when it comes', async () => {
  const lab = await succeeds({
    content: big,
    peers: [{ content: big, foundAfter: 60, rate }],
    servers: [{ content: spoilt(big, 0, 1, 2), rate: 10_000_000 }],
  })
  assert.equal(lab.bans, [])
  assert.is(lab.fromPeers, big.length)
})

test('where the list is the lie, an honest server is not left out', async () => {
  const lie = spoilt(big, 5)
  const lab = await succeeds({
    content: big,
    peers: [{ content: lie, list: listOf(lie), rate: 2_000_000 }],
    servers: [{ content: big, rate: 2_000_000 }],
    mirrors: [{ content: big }],
  })
  assert.equal(lab.bans, [lab.peers[0]!.id])
  assert.equal(lab.serversLeft(), [0])
})

test('a file of one chunk that is false: left out at once, and the mirror gives it', async () => {
  const lab = await succeeds({
    content: tiny,
    servers: [{ content: spoilt(tiny, 0), rate }],
    mirrors: [{ content: tiny }],
  })
  assert.is(lab.fromMirror, tiny.length)
  assert.equal(lab.serversLeft(), [])
})

test.run()
