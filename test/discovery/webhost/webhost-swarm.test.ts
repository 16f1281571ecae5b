import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemRandom } from '../../../src/base/random.ts'
import { decode } from '../../../src/discovery/bencode.ts'
import { decodeAnswer } from '../../../src/discovery/webhost/webhost-answer.ts'
import { formatQuery, INFO_HASH, infoHashes } from '../../../src/discovery/webhost/webhost-query.ts'
import { createSwarm, EXPIRY, PACE } from '../../../src/discovery/webhost/webhost-swarm.ts'
import { networkKey } from '../../../src/net/key-file.ts'
import { createClock } from '../../clock.ts'

const MINUTE = 60_000
let ids = 0
const newId = () => (ids++).toString(16).padStart(40, '0')

function setUp(reachable: (endpoint: string) => boolean | Promise<boolean> = () => true, options = {}) {
  const clock = createClock()
  const dialled: string[] = []
  const dialBack = async (endpoint: string) => {
    dialled.push(endpoint)
    return reachable(endpoint)
  }
  const swarm = createSwarm({ clock, random: systemRandom, dialBack }, options)
  const raw = (host: string, search: string, list = true) => swarm.announce(host, search, list)
  /** Announces, and gives back whom it was told of, in order. */
  function ask(host: string, port: number, change: object = {}, list = true): string[] {
    const query = { infoHash: INFO_HASH, peerId: newId(), port, wanted: 50, compact: true, ...change }
    return decodeAnswer(raw(host, formatQuery(query), list), '').nodes.sort()
  }
  return { clock, dialled, swarm, raw, ask }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const refusal = (body: Buffer) => (decode(body) as Map<string, unknown>).get('failure reason')?.toString()

test('askers are told of those before them, at once, and of the pace', async () => {
  const { ask, raw, dialled } = setUp()
  assert.equal(ask('192.0.2.1', 8048), [])
  assert.equal(ask('::ffff:192.0.2.2', 8049), ['192.0.2.1:8048'])
  await settled()
  assert.equal(ask('2001:db8::1', 8048), ['192.0.2.1:8048', '192.0.2.2:8049'])
  assert.equal(dialled.slice(0, 2), ['192.0.2.1:8048', '192.0.2.2:8049'])
  const search = formatQuery({ infoHash: INFO_HASH, peerId: newId(), port: 1, wanted: 0, compact: false })
  const { interval, minInterval, nodes } = decodeAnswer(raw('192.0.2.9', search), '')
  assert.equal({ interval, minInterval, nodes }, { ...PACE, nodes: [] })
})

test('an address that cannot be dialled back is forgotten', async () => {
  const { ask, swarm } = setUp((endpoint) => endpoint !== '192.0.2.1:8048')
  ask('192.0.2.1', 8048)
  ask('192.0.2.2', 8048)
  await settled()
  assert.is(swarm.size, 1)
  assert.equal(ask('192.0.2.3', 8048), ['192.0.2.2:8048'])
})

test('only the address that an asker asks from is listed and dialled', async () => {
  const { raw, dialled } = setUp()
  const query = formatQuery({ infoHash: INFO_HASH, peerId: newId(), port: 8048, wanted: 50, compact: true })
  raw('192.0.2.1', `ip=192.0.2.66&ipv4=192.0.2.66&ipv6=2001:db8::66&${query}`)
  await settled()
  assert.equal(dialled, ['192.0.2.1:8048'])
})

test('a node that takes no connections, or below port 1024, is told of others but not listed', () => {
  const { ask, swarm, dialled } = setUp()
  ask('192.0.2.1', 8048)
  for (const port of [0, 80, 1023]) assert.equal(ask('192.0.2.2', port), ['192.0.2.1:8048'])
  assert.is(swarm.size, 1)
  assert.equal(dialled, ['192.0.2.1:8048'])
})

test('who asks through a proxy is told of others but not listed', () => {
  const { ask, swarm } = setUp()
  ask('192.0.2.1', 8048)
  assert.equal(ask('192.0.2.2', 8048, {}, false), ['192.0.2.1:8048'])
  assert.is(swarm.size, 1)
})

test('stopped takes a node off, and only at the address it comes from', () => {
  const { ask } = setUp()
  ask('192.0.2.1', 8048)
  assert.equal(ask('192.0.2.2', 8048, { event: 'stopped' }), [])
  assert.equal(ask('192.0.2.3', 8048), ['192.0.2.1:8048'])
  ask('192.0.2.1', 8048, { event: 'stopped' })
  assert.equal(ask('192.0.2.4', 8048), ['192.0.2.3:8048'])
})

test('a node that is not heard from is forgotten after two and a half intervals', async () => {
  const { ask, clock } = setUp()
  ask('192.0.2.1', 8048)
  await settled()
  clock.advance(EXPIRY)
  assert.equal(ask('192.0.2.2', 0), ['192.0.2.1:8048'])
  clock.advance(1)
  assert.equal(ask('192.0.2.2', 0), [])
  assert.is(EXPIRY, 2.5 * PACE.interval * 1000)
})

test('a node that was reached is not dialled again for ten minutes, and then must answer', async () => {
  let up = true
  const { ask, clock, dialled, swarm } = setUp(() => up)
  ask('192.0.2.1', 8048)
  await settled()
  up = false
  clock.advance(10 * MINUTE - 1)
  ask('192.0.2.1', 8048)
  await settled()
  assert.is(dialled.length, 1)
  clock.advance(1)
  ask('192.0.2.1', 8048)
  await settled()
  assert.is(dialled.length, 2)
  assert.is(swarm.size, 0)
})

test('one address is dialled at most eight times in a quarter of an hour, whatever it claims', async () => {
  const { ask, clock, dialled, swarm } = setUp(() => false)
  for (let port = 2000; port < 2020; port++) {
    ask('192.0.2.1', port)
    await settled()
  }
  assert.is(dialled.length, 8)
  assert.is(swarm.size, 0)
  clock.advance(15 * MINUTE)
  ask('192.0.2.1', 2000)
  assert.is(dialled.length, 9)
})

test('an address takes so many places, and being heard again takes no more', () => {
  const { ask, swarm } = setUp(() => true, { perBlock: 2 })
  for (const port of [2000, 2000, 2001, 2002]) ask('192.0.2.1', port)
  assert.is(swarm.size, 2)
  ask('192.0.2.2', 2000)
  assert.is(swarm.size, 3)
})

test('nodes on this machine and in its site are not told to the world; link-local IPv6 to nobody', () => {
  const { ask, swarm } = setUp()
  ask('127.0.0.1', 8048)
  ask('192.168.1.2', 8048)
  assert.equal(ask('fe80::1%eth0', 8048), ['192.168.1.2:8048'])
  assert.is(swarm.size, 2)
  assert.equal(ask('203.0.113.1', 8048), [])
  assert.equal(ask('192.168.1.3', 8048), ['192.168.1.2:8048', '203.0.113.1:8048'])
  assert.equal(ask('127.0.0.2', 0), [
    '127.0.0.1:8048',
    '192.168.1.2:8048',
    '192.168.1.3:8048',
    '203.0.113.1:8048',
  ])
})

test('another swarm, and what is no announce, get the reason', () => {
  const { raw, swarm } = setUp()
  const query = { infoHash: '00'.repeat(20), peerId: newId(), port: 8048, wanted: 50, compact: true }
  assert.is(
    refusal(raw('192.0.2.1', formatQuery(query))),
    'this webhost serves another network, or none of pacsrv',
  )
  assert.is(refusal(raw('192.0.2.1', '')), 'port must be a number')
  assert.is(
    refusal(raw('nonsense', formatQuery({ ...query, infoHash: INFO_HASH }))),
    'no address to answer to',
  )
  assert.is(swarm.size, 0)
})

test("a closed network's webhost serves that network alone, by each of its keys", () => {
  const keys = [networkKey(Buffer.alloc(32, 1)), networkKey(Buffer.alloc(32, 2))]
  const [first, second] = infoHashes(keys)
  const { raw, ask } = setUp(() => true, { infoHashes: [first, second] })
  assert.equal(ask('192.0.2.1', 8048, { infoHash: first }), [])
  assert.equal(ask('192.0.2.2', 8048, { infoHash: second }), ['192.0.2.1:8048'])
  const open = { infoHash: INFO_HASH, peerId: newId(), port: 8048, wanted: 50, compact: true }
  assert.match(refusal(raw('192.0.2.3', formatQuery(open)))!, 'another network')
  assert.not.ok(first!.includes(keys[0]!.id.slice(0, 8)), "a key's id doesn't tell")
})

test('noise gets an answer or a reason, always bencoded', () => {
  const { raw } = setUp()
  const good = formatQuery({ infoHash: INFO_HASH, peerId: newId(), port: 8048, wanted: 50, compact: true })
  for (let at = 0; at < good.length; at++) {
    decode(raw('192.0.2.1', good.slice(0, at)))
    for (const put of ['%', '&', '=', '\0', '\xff', '%00'])
      decode(raw('192.0.2.1', good.slice(0, at) + put + good.slice(at + 1)))
  }
})

test.run()
