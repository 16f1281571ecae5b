import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode, encode } from '../../../src/discovery/bencode.ts'
import { dhtKeys } from '../../../src/discovery/dht/dht-keys.ts'
import { MAX_PACKET, readPacket } from '../../../src/discovery/dht/dht-packet.ts'
import { seeded } from '../../seeded.ts'
import { malformed } from './dht-network.ts'

const WORLD = '198.51.100.7:6881'
const SITE = '192.168.1.7:6881'
const id = Buffer.from('abcdefghij0123456789')
const hash = Buffer.from('mnopqrstuvwxyz123456')
const own = Buffer.alloc(20, 7)
const t = Buffer.from('aa')

const read = (message: object, from = WORLD) => readPacket(encode(message), from, own)
const query = (q: string, a: object) => read({ t, y: 'q', q, a: { id, ...a } })
const answer = (r: object, from?: string) => read({ t, y: 'r', r: { id, ...r } }, from)
const inner = (packet: ReturnType<typeof read>, name: string) =>
  (decode(packet!.bytes) as Map<string, unknown>).get(name) as Map<string, unknown>
const contact = (address: string, port: number) =>
  Buffer.from([...address.split('.').map(Number), port >> 8, port & 255])
const node = (address: string, port: number) => Buffer.concat([id, contact(address, port)])

test('the keys are as docs/protocol.md has them, and no two alike', () => {
  const open = dhtKeys()
  assert.is(open.meeting, '24b33acf695b139de15d93a8c0d439fc416d4e3f')
  assert.is(open.package('f0'.repeat(32)), 'fa3751d9c1e95120ae41596f58bbf8b3dbcb0794')
  const networks = [open, ...['one', 'two'].map((id) => dhtKeys({ id, secret: Buffer.from(id) }))]
  const all = networks.flatMap((keys) => [
    keys.meeting,
    ...['f0', '0f'].map((byte) => keys.package(byte.repeat(32))),
  ])
  assert.is(new Set(all).size, 9)
})

test('the queries of BEP 5 pass, and BEP 44 may look; who asks is shown as ourselves', () => {
  for (const [q, a] of [
    ['ping', {}],
    ['find_node', { target: hash }],
    ['get', { target: hash }],
    ['get_peers', { info_hash: hash }],
    ['announce_peer', { info_hash: hash, token: 'x', implied_port: 0, port: 8048 }],
    ['announce_peer', { info_hash: hash, token: 'x', implied_port: 1, port: 0 }],
  ] as const) {
    const packet = query(q, a)
    assert.is(packet?.kind, 'query', q)
    assert.is(packet!.transaction, '6161')
    assert.equal(inner(packet, 'a').get('id'), own)
  }
})

test('what nobody asked to be passed on is left out', () => {
  const packet = read({ t, y: 'q', q: 'ping', a: { id, target: 5, want: ['n4'] }, v: 'LT01', ro: 1 })
  assert.equal([...(decode(packet!.bytes) as Map<string, unknown>).keys()], ['a', 'q', 't', 'y'])
  assert.equal([...inner(packet, 'a').keys()], ['id'])
})

test('queries outside the bounds are refused', () => {
  const announce = { info_hash: hash, token: 'x', implied_port: 0, port: 8048 }
  assert.ok(query('announce_peer', announce))
  for (const change of [
    { token: '' },
    { token: 'x'.repeat(65) },
    { token: 5 },
    { port: 1023 },
    { port: 65_536 },
    { port: -8048 },
    { port: '8048' },
    { implied_port: 'yes' },
    { info_hash: hash.subarray(1) },
    { id: Buffer.concat([id, id]) },
    { id: 20 },
  ])
    assert.is(query('announce_peer', { ...announce, ...change }), undefined, JSON.stringify(change))
  assert.ok(query('announce_peer', { ...announce, port: 1024, token: 'x'.repeat(64) }))
  for (const [q, a] of [
    ['put', { v: 'x', token: 'x' }],
    ['vote', { info_hash: hash }],
    ['find_node', { info_hash: hash }],
    ['get_peers', { target: hash }],
    ['get_peers', { info_hash: [hash] }],
  ] as const)
    assert.is(query(q, a), undefined, q)
  for (const message of [
    { y: 'q', q: 'ping', a: { id } },
    { t: '', y: 'q', q: 'ping', a: { id } },
    { t: 'x'.repeat(21), y: 'q', q: 'ping', a: { id } },
    { t: 7, y: 'q', q: 'ping', a: { id } },
    { t, y: 'q', q: 7, a: { id } },
    { t, y: 'q', q: 'ping', a: [id] },
    { t, y: 'q', q: 'ping' },
    { t, y: 'x', q: 'ping', a: { id } },
    { t, q: 'ping', a: { id } },
    [t, 'q'],
  ])
    assert.is(read(message), undefined, JSON.stringify(message))
  assert.ok(read({ t: 'x'.repeat(20), y: 'q', q: 'ping', a: { id } }))
})

test('answers pass with whole nodes and peers only', () => {
  const good = { token: 'x', nodes: node('203.0.113.1', 6881), values: [contact('203.0.113.2', 8048)] }
  assert.equal([...inner(answer(good), 'r').keys()], ['id', 'nodes', 'token', 'values'])
  for (const change of [
    { nodes: good.nodes.subarray(1) },
    { nodes: Buffer.alloc(26 * 513) },
    { nodes: [] },
    { values: contact('203.0.113.2', 8048) },
    { values: [Buffer.alloc(5)] },
    { values: [8048] },
    { values: Array(1001).fill(contact('203.0.113.2', 8048)) },
    { token: 5 },
    { token: 'x'.repeat(65) },
    { id: id.subarray(1) },
  ])
    assert.is(answer({ ...good, ...change }), undefined, JSON.stringify(change))
  const many = answer({ nodes: Buffer.concat(Array(512).fill(node('203.0.113.1', 6881))) })
  assert.is((inner(many, 'r').get('nodes') as Buffer).length, 26 * 20, 'the nearest come first')
  const peers = answer({ values: Array(1000).fill(contact('203.0.113.2', 8048)) })
  assert.is((inner(peers, 'r').get('values') as Buffer[]).length, 50)
  assert.is(read({ t: 'abc', y: 'r', r: { id } }), undefined, 'none of our queries has such a number')
})

test('nobody is sent to a port of the system, from the world into a site, or to an IPv6 address', () => {
  const places: [string, number][] = [
    ['203.0.113.2', 8048],
    ['203.0.113.2', 1023],
    ['203.0.113.2', 1024],
    ['192.168.1.9', 8048],
    ['127.0.0.1', 8048],
    ['224.0.0.1', 8048],
    ['0.0.0.0', 8048],
    ['255.255.255.255', 8048],
  ]
  const values = [...places.map((place) => contact(...place)), Buffer.alloc(18, 0x20)]
  const nodes = Buffer.concat(places.map((place) => node(...place)))
  const of = (from: string) => inner(answer({ nodes, values }, from), 'r')
  assert.equal(of(WORLD).get('values'), [values[0], values[2]])
  assert.equal(of(WORLD).get('nodes'), Buffer.concat([node(...places[0]!), node(...places[2]!)]))
  assert.equal(of(SITE).get('values'), [values[0], values[2], values[3]])
  assert.equal(of('127.0.0.2:6881').get('values'), [values[0], values[2], values[3], values[4]])
})

test('errors pass as a number and a text', () => {
  assert.is(read({ t, y: 'e', e: [203, 'no'] })?.kind, 'answer')
  for (const e of [[], ['203', 'no'], [203], [203, 5], 'no', [203, 'x'.repeat(257)]])
    assert.is(read({ t, y: 'e', e }), undefined, JSON.stringify(e))
})

test('size is bounded, and noise is refused without a word', () => {
  const padded = (length: number) => {
    const frame = encode({ t, y: 'q', q: 'ping', a: { id }, z: '' }).length
    const digits = String(length - frame).length - 1
    return encode({ t, y: 'q', q: 'ping', a: { id }, z: 'x'.repeat(length - frame - digits) })
  }
  assert.is(padded(MAX_PACKET).length, MAX_PACKET)
  assert.ok(readPacket(padded(MAX_PACKET), WORLD, own))
  assert.is(readPacket(padded(MAX_PACKET + 1), WORLD, own), undefined)
  const random = seeded(5)
  let passed = 0
  for (let i = 0; i < 5_000; i++) if (readPacket(malformed(random), WORLD, own)) passed++
  assert.ok(passed < 500, `${passed}`)
})

test.run()
