import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { openSession } from '../../src/overlay/session/session.ts'
import type { FileAck, FileQuery, Hop, Message } from '../../src/wire/messages.ts'
import { createTestNetwork, directTo, held, type TestNode, wanted } from './network.ts'

/** A node that says what the test makes it say, and what it was told. */
async function hostile(
  net: ReturnType<typeof createTestNetwork>,
  host: string,
  target: TestNode,
  port = 8048,
) {
  const identity = createIdentity()
  const transport = net.network.transport(host)
  const dialled: string[] = []
  await transport.listen(`${host}:${port}`, ({ remote }) => void dialled.push(remote))
  const opening = transport
    .dial(target.address, 1_000)
    .then((link) =>
      openSession(
        link,
        { identity, clock: net.clock, random: net.random, log: silentLog },
        { purpose: 'neighbour', port, agent: 'hostile' },
      ),
    )
  await net.run(500)
  const session = await opening
  const heard: Message[] = []
  session.handle({ onMessage: (message) => void heard.push(message), onClose() {} })
  return { id: identity.id, session, heard, dialled, host }
}

const someId = (i: number) => i.toString(16).padStart(64, '0')
const hop = (i: number): Hop => ({ id: someId(i), address: `198.51.100.${i % 250}:8048` })

const query = (parts: Partial<FileQuery> & { path: Hop[] }): FileQuery => ({
  type: 'file',
  query: 'aa'.repeat(16),
  ttl: 3,
  files: [wanted('vim')],
  ...parts,
})

/** A victim between the hostile node and one more, which holds a file; what goes to that one is counted. */
async function setting() {
  const sent = { file: 0, fileAck: 0 }
  const net = createTestNetwork({
    onSend({ type }, from, to) {
      if (from === '10.0.0.1' && to === '10.0.0.2' && (type === 'file' || type === 'fileAck')) sent[type]++
    },
  })
  const victim = await net.node('10.0.0.1', { minConnections: 0 })
  const other = await net.node('10.0.0.2', { minConnections: 0, direct: directTo(victim), holds: ['vim'] })
  await net.run(500)
  const enemy = await hostile(net, '10.0.0.3', victim)
  return { ...net, victim, other, enemy, passed: () => sent.file, strays: () => sent.fileAck }
}

test('an id is remembered only after the check: a forged copy does not hide the real query', async () => {
  const { run, victim, enemy, passed } = await setting()
  const own = { id: enemy.id }
  enemy.session.send(query({ path: [] }))
  enemy.session.send(query({ path: [hop(1), hop(1), own] }))
  enemy.session.send(query({ path: [{ id: victim.overlay.id }, own] }))
  enemy.session.send(query({ path: [own], ttl: 0 }))
  await run(100)
  assert.is(passed(), 0)
  enemy.session.send(query({ path: [own] }))
  await run(100)
  assert.is(passed(), 1)
})

for (const host of ['10.0.0.4', '203.0.113.4'])
  test(`${host} says that somebody has had the query: believed of this site only`, async () => {
    const { run, victim, other, passed, ...net } = await setting()
    const enemy = await hostile({ run, ...net }, host, victim, 8049)
    const told = [other.overlay.id.slice(0, 16)]
    enemy.session.send(query({ path: [{ id: enemy.id }], told }))
    await run(100)
    assert.is(passed(), host === '10.0.0.4' ? 0 : 1)
  })

test('a replayed query is dropped; one with a higher TTL is passed on once more, not answered twice', async () => {
  const { run, enemy, passed } = await setting()
  const path = [{ id: enemy.id }]
  for (const ttl of [2, 2, 1, 3, 3]) {
    enemy.session.send(query({ path, ttl }))
    await run(200)
  }
  assert.is(passed(), 2)
  assert.is(enemy.heard.filter(({ type }) => type === 'fileAck').length, 1)
})

test('a flood of queries beyond 20 a second is dropped after its burst', async () => {
  const { run, enemy, passed } = await setting()
  for (let i = 0; i < 1_000; i++) {
    enemy.session.send(query({ path: [{ id: enemy.id }], query: i.toString(16).padStart(32, '0') }))
  }
  await run(100)
  assert.ok(passed() >= 100 && passed() <= 103, `${passed()}`)
  await run(1_000)
  for (let i = 1_000; i < 2_000; i++) {
    enemy.session.send(query({ path: [{ id: enemy.id }], query: i.toString(16).padStart(32, '0') }))
  }
  await run(100)
  assert.ok(passed() <= 130, `${passed()}`)
})

test('who handed a message on is written by its receiver, whatever the list claims', async () => {
  const { run, other, enemy, victim } = await setting()
  enemy.session.send(query({ path: [hop(7)] }))
  await run(100)
  const ack = enemy.heard.find(({ type }) => type === 'fileAck') as FileAck
  assert.equal(ack.path, [{ id: enemy.id, address: '10.0.0.3:8048' }])
  assert.equal(
    ack.way.map(({ id }) => id),
    [other.overlay.id, victim.overlay.id],
  )
})

test('answers to nothing that was asked, or for other files, are not believed', async () => {
  const { run, victim, enemy } = await setting()
  const ack = (parts: Partial<FileAck>): FileAck => ({
    type: 'fileAck',
    query: 'cc'.repeat(16),
    ttl: 7,
    path: [{ id: victim.overlay.id }],
    way: [{ id: enemy.id }],
    reachable: true,
    files: [held('emacs')],
    ...parts,
  })
  enemy.session.send(ack({}))
  enemy.session.send(ack({ path: [] }))
  enemy.session.send(ack({ way: [] }))
  const search = victim.find('emacs')
  await run(50)
  const asked = enemy.heard.find(({ type }) => type === 'file') as FileQuery
  enemy.session.send(ack({ query: asked.query, files: [held('nano')] }))
  enemy.session.send(ack({ query: asked.query, files: [held('emacs', 999)] }))
  await run(100)
  assert.equal(search.holders, [])
  enemy.session.send(ack({ query: asked.query, way: [hop(9)] }))
  await run(100)
  assert.equal(
    search.holders.map(({ id }) => id),
    [enemy.id],
    'the sender of an answer that came no other way is its holder',
  )
})

test('a stray answer passes a node once for each query and holder', async () => {
  const { run, enemy, strays } = await setting()
  const stray: FileAck = {
    type: 'fileAck',
    query: 'dd'.repeat(16),
    ttl: 3,
    path: [hop(1), hop(2)],
    way: [{ id: enemy.id }],
    reachable: true,
    files: [held('vim')],
  }
  for (let i = 0; i < 10; i++) enemy.session.send(stray)
  await run(200)
  assert.is(strays(), 1)
  enemy.session.send({ ...stray, query: 'ee'.repeat(16), ttl: 1 })
  await run(200)
  assert.is(strays(), 1, 'its TTL has run out')
  assert.not.ok(
    enemy.heard.some(({ type }) => type === 'fileAck'),
    'never back to where it came from',
  )
})

test('a FILE alone makes nobody dial its asker, nor does a CALL by somebody whose query was not answered', async () => {
  const net = createTestNetwork()
  const hub = await net.node('10.0.0.1', { minConnections: 0 })
  const holder = await net.node('10.0.0.2', {
    nat: { seenAs: '10.0.9.9', silent: true },
    minConnections: 0,
    direct: directTo(hub),
    holds: ['vim'],
  })
  await net.run(10_000)
  const enemy = await hostile(net, '10.0.0.3', hub)
  const target = await hostile(net, '10.0.0.4', hub)
  enemy.session.send(query({ path: [{ id: target.id, address: '10.0.0.4:8048' }, { id: enemy.id }] }))
  await net.run(1_000)
  const call = (asker: Hop, id: string): Message => ({
    type: 'call',
    query: id,
    ttl: 7,
    path: [{ id: holder.overlay.id }],
    asker,
  })
  const victim = { id: target.id, address: '10.0.0.4:8048' }
  enemy.session.send(call(victim, 'ee'.repeat(16)))
  await net.run(5_000)
  assert.equal(target.dialled, [])
  for (let i = 0; i < 20; i++) enemy.session.send(call(victim, 'aa'.repeat(16)))
  await net.run(10_000)
  assert.ok(target.dialled.length <= 6, `a few a minute, not ${target.dialled.length}`)
  assert.ok(target.dialled.length >= 1, 'that query was answered')
})

test('a CALL to a port below 1024 is not followed', async () => {
  const net = createTestNetwork()
  const holder = await net.node('10.0.0.1', { minConnections: 0, holds: ['vim'] })
  const enemy = await hostile(net, '10.0.0.3', holder, 1023)
  enemy.session.send(query({ path: [{ id: enemy.id }] }))
  await net.run(100)
  const call = { query: 'aa'.repeat(16), ttl: 7, path: [{ id: holder.overlay.id }] }
  enemy.session.send({ ...call, type: 'call', asker: { id: enemy.id } })
  await net.run(5_000)
  assert.equal(enemy.dialled, [])
})

test('a neighbour asks to be dialled back at its own address only', async () => {
  const net = createTestNetwork()
  const victim = await net.node('10.0.0.1', { minConnections: 0 })
  const enemy = await hostile(net, '10.0.0.3', victim)
  for (let i = 0; i < 10; i++) enemy.session.send({ type: 'dialBack' })
  await net.run(5_000)
  assert.ok(enemy.dialled.length >= 1 && enemy.dialled.length <= 2, `${enemy.dialled.length}`)
})

test('a neighbour that announces without end is remembered for 20,000 files, the latest', async () => {
  const { run, victim, enemy } = await setting()
  for (let batch = 0; batch < 45; batch++) {
    const files = Array.from({ length: 500 }, (_, i) => held(`file-${batch * 500 + i}`))
    enemy.session.send({ type: 'announce', files })
  }
  await run(200)
  const known = async (name: string) => {
    const search = victim.find(name)
    await run(5)
    return search.holders.length
  }
  assert.is(await known('file-2499'), 0)
  assert.is(await known('file-2500'), 1)
  assert.is(await known('file-22499'), 1)
})

test('addresses from a neighbour are dialled sparingly, and never on a low port', async () => {
  const net = createTestNetwork()
  const victim = await net.node('10.0.0.1', { minConnections: 3 })
  const enemy = await hostile(net, '10.0.0.3', victim)
  const dialled: string[] = []
  for (let i = 0; i < 60; i++) {
    const host = `10.0.1.${i}`
    await net.network.transport(host).listen(`${host}:8048`, (link) => {
      dialled.push(host)
      link.close()
    })
    await net.network.transport(`10.0.2.${i}`).listen(`10.0.2.${i}:80`, () => void dialled.push('low'))
  }
  const nodes = (net3: number, port: number, from: number) =>
    Array.from({ length: 30 }, (_, i) => ({ id: someId(i), address: `10.0.${net3}.${from + i}:${port}` }))
  for (const from of [0, 30]) {
    enemy.session.send({ type: 'nodes', nodes: nodes(1, 8048, from) })
    enemy.session.send({ type: 'nodes', nodes: nodes(2, 80, from) })
  }
  await net.run(1_000)
  assert.ok(dialled.length > 0 && dialled.length <= 11, `${dialled.length} at once`)
  assert.not.ok(dialled.includes('low'))
  await net.run(60_000)
  assert.ok(dialled.length <= 35, `${dialled.length} in a minute`)
})

test('what a stranger tells of this link is dialled as sparingly; a companion’s lies cost 64 dials and 20 a minute', async () => {
  const dialled = { stranger: 0, companion: 0 }
  for (const [who, host] of [
    ['stranger', '10.0.9.3'],
    ['companion', '10.0.0.3'],
  ] as const) {
    const net = createTestNetwork()
    const victim = await net.node('10.0.0.1', { minConnections: 1 })
    const enemy = await hostile(net, host, victim)
    for (let i = 0; i < 200; i++) {
      const at = `10.0.0.${i + 20}`
      await net.network.transport(at).listen(`${at}:8048`, (link) => {
        dialled[who]++
        link.close()
      })
    }
    for (let from = 0; from < 200; from += 50)
      enemy.session.send({
        type: 'nodes',
        nodes: Array.from({ length: 50 }, (_, i) => ({
          id: someId(from + i),
          address: `10.0.0.${from + i + 20}:8048`,
        })),
      })
    await net.run(20_000)
  }
  assert.is(dialled.stranger, 0, 'it has the one neighbour that it needs')
  assert.ok(dialled.companion >= 50 && dialled.companion <= 80, `${dialled.companion}`)
})

test('nobody sends a node to itself, nor, from the world, into its site', async () => {
  const dialled: string[] = []
  const net = createTestNetwork()
  const victim = await net.node('10.0.0.1', { minConnections: 3 })
  for (const host of ['127.0.0.1', '10.0.0.9', '192.0.2.9'])
    await net.network.transport(host).listen(`${host}:8048`, () => void dialled.push(host))
  const nodes = ['127.0.0.1', '10.0.0.9', '192.0.2.9'].map((host, i) => ({
    id: someId(i),
    address: `${host}:8048`,
  }))
  const near = await hostile(net, '10.0.0.3', victim)
  near.session.send({ type: 'nodes', nodes: nodes.slice(0, 1) })
  const far = await hostile(net, '192.0.2.3', victim)
  far.session.send({ type: 'nodes', nodes })
  await net.run(5_000)
  assert.equal(dialled, ['192.0.2.9'])
})

test('messages of a transfer have no place among neighbours, and do no harm', async () => {
  const { run, victim, enemy, other } = await setting()
  enemy.session.send({ type: 'chunk', request: 1, payload: new Uint8Array(10) })
  enemy.session.send({ type: 'get', request: 1, sha256: someId(1), chunk: 0 })
  enemy.session.send({ type: 'proof', signature: '00'.repeat(64) })
  await run(100)
  assert.equal(
    victim.overlay.neighbours().map(({ id }) => id),
    [other.overlay.id],
    'a second PROOF ends the connection',
  )
})

test('eight connections from one address may be greeting; one more is closed, and others still come in', async () => {
  const net = createTestNetwork()
  const victim = await net.node('10.0.0.1', { minConnections: 0 })
  const transport = net.network.transport('10.0.0.3')
  let closed = 0
  for (let i = 0; i < 9; i++) {
    void transport
      .dial(victim.address, 1_000)
      .then((link) => link.handle({ onMessage() {}, onClose: () => void closed++ }))
  }
  await net.run(200)
  assert.is(closed, 1)
  const friend = await net.node('10.0.0.4', { direct: directTo(victim) })
  await net.run(500)
  assert.is(friend.overlay.neighbours().length, 1)
  await net.run(6_000)
  assert.is(closed, 9, 'who says nothing is left after 5 s')
})

test('a node dials back a few times a minute, however many neighbours ask', async () => {
  const net = createTestNetwork()
  const victim = await net.node('10.0.0.1', { minConnections: 0 })
  const enemies = []
  for (let i = 3; i < 15; i++) enemies.push(await hostile(net, `10.0.0.${i}`, victim))
  for (const { session } of enemies) session.send({ type: 'dialBack' })
  await net.run(5_000)
  const dials = enemies.reduce((sum, { dialled }) => sum + dialled.length, 0)
  assert.ok(dials >= 1 && dials <= 7, `${dials}`)
})

test.run()
