import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTestNetwork, directTo, held, wanted } from './network.ts'

test('a direct neighbour answers for a file, and is connected to under the id that answered', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1', { holds: ['vim'] })
  const b = await node('10.0.0.2', { direct: directTo(a) })
  await run(500)
  assert.equal(
    b.overlay.neighbours().map(({ id, address, direction }) => ({ id, address, direction })),
    [{ id: a.overlay.id, address: a.address, direction: 'out' }],
  )
  const search = b.find('vim')
  await run(500)
  assert.is(search.holders.length, 1)
  assert.is(search.holders[0]?.id, a.overlay.id)
  assert.is(search.holders[0]?.address, a.address)
  assert.not.ok(search.over, 'others may still answer')
  await run(2_500)
  assert.ok(search.over)
  const connecting = b.overlay.connect(search.holders[0]!)
  await run(500)
  const session = await connecting
  assert.is(session.id, a.overlay.id)
  assert.is(a.served[0]?.id, b.overlay.id)
  assert.is(b.overlay.neighbours().length, 1, 'a transfer is no neighbour')
})

test('what a neighbour announced is known without a search, until it is withdrawn', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const b = await node('10.0.0.2', { direct: directTo(a) })
  await run(500)
  a.overlay.announce([held('vim')], [])
  await run(100)
  const search = b.find('vim')
  await run(5)
  assert.is(search.holders[0]?.via, 'announced')
  assert.ok(search.over)
  a.overlay.announce([], [wanted('vim').sha256])
  await run(100)
  const later = b.find('vim')
  await run(3_000)
  assert.equal(later.holders, [])
})

test('a holder that said no is forgotten', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const b = await node('10.0.0.2', { direct: directTo(a) })
  await run(500)
  a.overlay.announce([held('vim')], [])
  await run(100)
  b.overlay.forget({ id: a.overlay.id, file: held('vim') })
  const search = b.find('vim')
  await run(3_000)
  assert.equal(search.holders, [])
})

test('two nodes that name each other keep one connection', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const { node, run } = createTestNetwork({}, seed)
    const a = await node('10.0.0.1', { direct: [{ host: '10.0.0.2', port: 8048 }] })
    const b = await node('10.0.0.2', { direct: directTo(a) })
    await run(10_000)
    const [one] = a.overlay.neighbours()
    const [two] = b.overlay.neighbours()
    assert.is(a.overlay.neighbours().length, 1)
    assert.is(b.overlay.neighbours().length, 1)
    assert.is.not(one?.direction, two?.direction)
  }
})

test('a banned node is dropped, refused, and welcome again when the ban ends', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const b = await node('10.0.0.2', { direct: directTo(a) })
  await run(500)
  a.overlay.ban({ id: b.overlay.id, address: b.address }, 'lied', 60_000)
  await run(500)
  assert.equal(a.overlay.neighbours(), [])
  assert.is(a.overlay.banned, 1)
  assert.equal(a.bans, [`${b.overlay.id}: lied`])
  await run(50_000)
  assert.equal(a.overlay.neighbours(), [], 'still shut out')
  await run(200_000)
  assert.is(a.overlay.neighbours().length, 1)
})

test('deny shuts out by address', async () => {
  const { node, run } = createTestNetwork()
  const { cidrList } = await import('../../src/base/config-values.ts')
  const a = await node('10.0.0.1', { deny: cidrList('10.0.0.2') })
  const b = await node('10.0.0.2', { direct: directTo(a) })
  const c = await node('10.0.0.3', { direct: directTo(a) })
  await run(5_000)
  assert.equal(
    a.overlay.neighbours().map(({ id }) => id),
    [c.overlay.id],
  )
  assert.equal(b.overlay.neighbours(), [])
})

test('a node that stops is gone for its neighbours', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const b = await node('10.0.0.2', { direct: directTo(a) })
  await run(500)
  await a.overlay.stop()
  await run(100)
  assert.equal(b.overlay.neighbours(), [])
})

test('nodes short of neighbours learn of others from those that they have', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const others = []
  for (let i = 2; i <= 6; i++) others.push(await node(`10.0.0.${i}`, { direct: directTo(a) }))
  await run(60_000)
  for (const { overlay } of others)
    assert.ok(overlay.neighbours().length >= 3, `${overlay.neighbours().length}`)
})

/** Desks that all name one machine, and how many messages of introduction were sent. */
async function star(count: number, { hostOf = (i: number) => `10.0.0.${i + 2}`, minConnections = 3 } = {}) {
  const introductions = { nodes: 0, nodesWanted: 0 }
  const { node, run, network } = createTestNetwork({
    onSend({ type }) {
      if (type === 'nodes' || type === 'nodesWanted') introductions[type]++
    },
  })
  const hub = await node('10.0.0.1')
  const desks = []
  for (let i = 0; i < count; i++) desks.push(await node(hostOf(i), { direct: directTo(hub), minConnections }))
  return { hub, desks, run, node, network, introductions }
}

test('desks that all name one machine are soon all each other’s companions', async () => {
  const { desks, run } = await star(15)
  await run(5_000)
  for (const { overlay } of desks) {
    assert.is(overlay.neighbours().length, 15)
    assert.ok(overlay.neighbours().every(({ companion }) => companion))
  }
})

test('a desk that comes later meets the others, and all meet again after the machine has been away', async () => {
  const { hub, desks, run, node, network } = await star(8)
  await run(5_000)
  const late = await node('10.0.0.99', { direct: directTo(hub) })
  await run(5_000)
  assert.is(late.overlay.neighbours().length, 9)
  network.kill(hub.host)
  await run(2_000)
  for (const { overlay } of desks) assert.is(overlay.neighbours().length, 8, 'without the machine')
})

test('fifty desks at one machine: each has half of its places taken at least, by few messages', async () => {
  const { desks, run, introductions } = await star(50)
  await run(20_000)
  const counts = desks.map(({ overlay }) => overlay.neighbours().length)
  assert.ok(Math.min(...counts) >= 15, `${counts}`)
  assert.ok(Math.max(...counts) <= 31, `${counts}`)
  const sent = introductions.nodes + introductions.nodesWanted
  assert.ok(sent <= 50 * 20, `${sent} messages in 20 s`)
})

test('the machine that all name doesn’t make companions of desks behind a router', async () => {
  const { desks, run } = await star(6, { hostOf: (i) => `10.0.${i + 1}.2` })
  await run(10_000)
  for (const { overlay } of desks) {
    const companions = overlay.neighbours().filter(({ companion }) => companion)
    assert.equal(
      companions.map(({ address }) => address),
      ['10.0.0.1:8048'],
    )
  }
})

test('desks that want no neighbours but those named meet nobody', async () => {
  const { desks, run } = await star(4, { minConnections: 0 })
  await run(10_000)
  for (const { overlay } of desks) assert.is(overlay.neighbours().length, 1)
})

test('a full node sends newcomers on to its neighbours', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1', { maxConnections: 2, minConnections: 1 })
  const others = []
  for (let i = 2; i <= 5; i++) {
    const one = await node(`10.0.0.${i}`, { minConnections: 1 })
    one.overlay.learn([a.address], 'stranger')
    others.push(one)
  }
  await run(120_000)
  assert.is(a.overlay.neighbours().length, 2)
  for (const { overlay } of others) assert.ok(overlay.neighbours().length >= 1)
})

test('over a link-local address, with its zone, neighbours meet, tell nobody of it, and fetch', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('fe80::1%eth0', { holds: ['vim'], minConnections: 0 })
  const at = `[fe80::1%eth0]:8048`
  const b = await node('fe80::2%eth0', { minConnections: 0 })
  b.overlay.meet(at, a.overlay.id)
  await run(1_000)
  assert.equal(
    b.overlay.neighbours().map(({ address }) => address),
    [at],
  )
  const c = await node('fe80::3%eth0', { minConnections: 3 })
  c.overlay.meet('[fe80::2%eth0]:8048', b.overlay.id)
  await run(20_000)
  assert.equal(
    c.overlay.neighbours().map(({ id }) => id),
    [b.overlay.id],
    'b has told c of no address of a',
  )
  const search = b.find('vim')
  await run(3_000)
  assert.equal(
    search.holders.map(({ id, address }) => ({ id, address })),
    [{ id: a.overlay.id, address: undefined }],
    'the answer has no address',
  )
  const connecting = b.overlay.connect(search.holders[0]!)
  await run(500)
  assert.is((await connecting).remote, at)
})

test.run()
