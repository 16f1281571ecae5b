import { Packr } from 'msgpackr'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import { limits } from '../../src/wire/limits.ts'
import { type Message, MessageType } from '../../src/wire/messages.ts'
import { seeded } from '../seeded.ts'
import { example, readExamples } from './examples.ts'

const NONE = new Uint8Array(0)
const packr = new Packr({ useRecords: false, mapsAsObjects: true })
const hash = 'ab'.repeat(32)

function roundTrip(message: Message) {
  const { header, payload = NONE } = encode(message)
  return decode(header, payload)
}

/** Our own side keeps to the bounds … */
function refusesToSend(message: Message, why: string) {
  assert.throws(() => encode(message), isWire(why))
}

/** … and so must the other's: `change` what a peer sends, as msgpack values. */
// biome-ignore lint/suspicious/noExplicitAny: anything is what a peer may send
function refusesToRead(type: Message['type'], change: (fields: any[]) => void, why: string) {
  const { header, payload = NONE } = encode(example(type))
  const fields = packr.unpack(header)
  change(fields)
  assert.throws(() => decode(packr.pack(fields), payload), isWire(why))
}

const isWire = (why: string) => (error: Error) => {
  assert.instance(error, PacsrvError)
  assert.is((error as PacsrvError).code, 'wire')
  assert.ok(error.message.includes(why), `"${error.message}" doesn't say "${why}"`)
  return true
}

const hops = (count: number) => Array.from({ length: count }, () => ({ id: hash }))
const held = { sha256: hash, size: 1, root: hash, whole: true }
const wanted = { sha256: hash, size: 1, name: 'a' }
const maps = { sha256: hash, bytes: 2 }
const many = <T>(count: number, one: T): T[] => new Array(count).fill(one)

/** A field of a message: the most it may hold, and one past. */
const bounds: [Message['type'], string, unknown, unknown][] = [
  ['hello', 'version', 0xffff, 0x10000],
  ['hello', 'port', 0xffff, 0x10000],
  ['hello', 'port', 0, -1],
  ['hello', 'capabilities', many(limits.capabilities, 'a'), many(limits.capabilities + 1, 'a')],
  [
    'hello',
    'capabilities',
    ['é'.repeat(limits.capabilityBytes / 2)],
    [`${'é'.repeat(limits.capabilityBytes / 2)}a`],
  ],
  ['hello', 'agent', 'a'.repeat(limits.agentBytes), 'a'.repeat(limits.agentBytes + 1)],
  ['hello', 'key', hash, `${hash}ab`],
  ['hello', 'nonce', hash, hash.slice(2)],
  ['hello', 'seen', '192.0.2.1:65535', '192.0.2.1:0'],
  ['hello', 'seen', '[fe80::1]:1', '[::]:1'],
  ['hello', 'advertise', '192.0.2.1:1', '0.0.0.0:1'],
  ['hello', 'advertise', '[2001:db8::1]:1', '[ff02::1]:1'],
  ['proof', 'signature', 'ab'.repeat(64), 'ab'.repeat(65)],
  ['ping', 'token', 0xffffffff, 0x100000000],
  ['ping', 'token', 0, -1],
  ['pong', 'token', 1, 1.5],
  ['bye', 'reason', 'a'.repeat(limits.reasonBytes), 'a'.repeat(limits.reasonBytes + 1)],
  ['bye', 'reason', 'straight', 'a\x1b[2Jb'],
  ['file', 'query', 'ab'.repeat(16), 'ab'.repeat(15)],
  ['file', 'ttl', limits.ttl, limits.ttl + 1],
  ['file', 'path', hops(limits.hops), hops(limits.hops + 1)],
  ['file', 'files', many(limits.filesPerQuery, wanted), many(limits.filesPerQuery + 1, wanted)],
  ['file', 'files', [{ ...wanted, size: limits.fileBytes }], [{ ...wanted, size: limits.fileBytes + 1 }]],
  ['file', 'files', [{ ...wanted, size: 1 }], [{ ...wanted, size: 0 }]],
  [
    'file',
    'files',
    [{ ...wanted, name: 'a'.repeat(limits.nameBytes) }],
    [{ ...wanted, name: 'a'.repeat(limits.nameBytes + 1) }],
  ],
  ['file', 'told', many(limits.told, 'ab'.repeat(8)), many(limits.told + 1, 'ab'.repeat(8))],
  ['file', 'told', ['ab'.repeat(8)], ['ab'.repeat(9)]],
  ['fileAck', 'ttl', limits.ttl, limits.ttl + 1],
  ['fileAck', 'path', hops(limits.hops), hops(limits.hops + 1)],
  ['fileAck', 'way', hops(limits.hops), hops(limits.hops + 1)],
  ['fileAck', 'files', many(limits.filesPerQuery, held), many(limits.filesPerQuery + 1, held)],
  ['call', 'path', hops(limits.hops), hops(limits.hops + 1)],
  ['announce', 'files', many(limits.filesPerAnnounce, held), many(limits.filesPerAnnounce + 1, held)],
  ['withdraw', 'files', many(limits.filesPerAnnounce, hash), many(limits.filesPerAnnounce + 1, hash)],
  ['nodes', 'nodes', hops(limits.nodes), hops(limits.nodes + 1)],
  ['manifestWanted', 'request', 0xffffffff, 0x100000000],
  ['manifest', 'payload', new Uint8Array(524_288), new Uint8Array(524_288 + 32)],
  ['manifest', 'payload', new Uint8Array(32), new Uint8Array(33)],
  ['get', 'chunk', 16_383, 16_384],
  ['get', 'more', many(limits.requests - 1, 16_383), many(limits.requests, 1)],
  ['get', 'more', [16_383], [16_384]],
  ['chunk', 'payload', new Uint8Array(limits.payloadBytes), new Uint8Array(limits.payloadBytes + 1)],
  ['chunk', 'payload', new Uint8Array(1), NONE],
  ['signature', 'payload', new Uint8Array(16_384), new Uint8Array(16_385)],
  ['signature', 'payload', new Uint8Array(1), NONE],
  ['have', 'payload', new Uint8Array(4096), new Uint8Array(4098)],
  ['have', 'payload', new Uint8Array(2), new Uint8Array(3)],
  ['haves', 'files', many(limits.haves, maps), many(limits.haves + 1, maps)],
  ['haves', 'files', [{ ...maps, bytes: 4096 }], [{ ...maps, bytes: 4097 }]],
  ['haves', 'payload', new Uint8Array(262_144), new Uint8Array(262_146)],
]

for (const [type, field, most, past] of bounds) {
  test(`${type}.${field}: the limit passes, one past it doesn't`, () => {
    const atLimit = example(type, { [field]: most })
    assert.equal(roundTrip(atLimit), atLimit)
    refusesToSend(example(type, { [field]: past }), field)
  })
}

test('what a peer sends is held to the same bounds, and the error names message and field', () => {
  refusesToRead(
    'file',
    (fields) => fields[3].push(...many(limits.hops, [Buffer.alloc(32), null])),
    'file path',
  )
  refusesToRead('file', (fields) => (fields[4][0][1] = limits.fileBytes + 1), 'file files size')
  refusesToRead('file', (fields) => (fields[1] = Buffer.alloc(17)), 'file query is not 16 bytes')
  refusesToRead('file', (fields) => (fields[2] = '7'), 'file ttl')
  refusesToRead('file', (fields) => (fields[2] = -1), 'file ttl')
  refusesToRead('file', (fields) => (fields[4] = {}), 'file files is not a list')
  refusesToRead('announce', (fields) => (fields[1][0] = 'x'), 'announce files is not a list of fields')
  refusesToRead('announce', (fields) => (fields[1][0][3] = 1), 'announce files whole')
  refusesToRead('hello', (fields) => (fields[5] = 2), 'hello purpose')
  refusesToRead('hello', (fields) => (fields[5] = 'length'), 'hello purpose')
  refusesToRead('bye', (fields) => fields.pop(), 'bye reason is not a string')
  refusesToRead('get', (fields) => (fields[3] = 2 ** 60), 'get chunk')
})

test('addresses that no node can have are refused', () => {
  const seen = (raw: number[], why: string) =>
    refusesToRead('hello', (fields) => (fields[8] = Buffer.from(raw)), `hello seen ${why}`)
  const v6 = (...tail: number[]) => [...new Array(16 - tail.length).fill(0), ...tail]
  seen([127, 0, 0, 1, 0, 0], 'has port 0')
  seen([0, 0, 0, 0, 1, 1], 'is an address that no node')
  seen([224, 0, 0, 251, 1, 1], 'is an address that no node')
  seen([255, 255, 255, 255, 1, 1], 'is an address that no node')
  seen([...v6(), 1, 1], 'is an address that no node')
  seen([...v6(255, 255, 192, 0, 2, 1), 1, 1], 'is IPv4 inside IPv6')
  seen([127, 0, 0, 1, 0], 'is not 6 or 18 bytes')
  refusesToRead(
    'hello',
    (fields) => (fields[7] = Buffer.from([0xfe, 0x80, ...v6(1).slice(2), 1, 1])),
    'hello advertise is a link-local',
  )
})

test('what is no address and port is not sent', () => {
  for (const seen of ['localhost:80', 'nonsense', '192.0.2.1', ''])
    refusesToSend(example('hello', { seen }), 'hello seen')
})

test('a link-local address is left out, but for what HELLO says it saw, without its zone', () => {
  const sent = roundTrip(example('nodes', { nodes: [{ id: hash, address: '[fe80::1%eth0]:8048' }] }))
  assert.equal(sent, { type: 'nodes', nodes: [{ id: hash }] })
  const hello = roundTrip(example('hello', { seen: '[fe80::1%eth0]:8048' }))
  assert.is((hello as { seen: string }).seen, '[fe80::1]:8048')
})

test('names that are no plain file name are refused', () => {
  for (const name of [
    '',
    '.',
    '..',
    'a/b',
    '/etc/passwd',
    'a\0b',
    'a\nb',
    'a\x7fb',
    'a\u0085b',
    'a\ud800b',
  ]) {
    refusesToSend(example('file', { files: [{ ...wanted, name }] }), 'name')
    if (!name.includes('\ud800'))
      refusesToRead('file', (fields) => (fields[4][0][2] = name), 'file files name')
  }
  const odd = { ...wanted, name: '...1:1.3+git~2-é.pkg.tar.zst' }
  assert.equal(roundTrip(example('file', { files: [odd] })), example('file', { files: [odd] }))
})

test('strings that are not UTF-8 are refused', () => {
  // [4, str of the one byte ff]
  assert.throws(() => decode(Buffer.from('9204a1ff', 'hex'), NONE), isWire('bye reason is not UTF-8'))
})

test('integers are understood in any encoding', () => {
  for (const token of ['07', 'cc07', 'cd0007', 'ce00000007', 'cf0000000000000007', 'd30000000000000007'])
    assert.equal(decode(Buffer.from(`9202${token}`, 'hex'), NONE), { type: 'ping', token: 7 })
})

test('fields of a later version are ignored, in a message and in its parts', () => {
  const { header } = encode(example('announce'))
  const fields = packr.unpack(header)
  fields.push('new', { more: 1 })
  fields[1][0].push([1, 2, 3])
  assert.equal(decode(packr.pack(fields), NONE), example('announce'))
})

test('a message of a later version is ignored with its payload', () => {
  const next = Math.max(...Object.values(MessageType)) + 1
  for (const type of [next, 1e9, -1]) assert.is(decode(packr.pack([type, 'x']), new Uint8Array(9)), undefined)
})

test('what is no message at all is refused', () => {
  for (const raw of [null, 1, 'hello', {}, [], ['hello'], [1.5], [true]])
    assert.throws(() => decode(packr.pack(raw), NONE), isWire('header'))
  for (const hex of ['', '91', '920203ff', 'c1', `dd${'ff'.repeat(4)}`, '91'.repeat(30_000)])
    assert.throws(() => decode(Buffer.from(hex, 'hex'), NONE), isWire('header'))
})

test('a payload where none belongs, and none where one does', () => {
  assert.throws(() => decode(encode(example('ping')).header, new Uint8Array(1)), isWire('ping has a payload'))
  assert.throws(() => decode(encode(example('chunk')).header, NONE), isWire('chunk payload'))
})

test('the largest query, announcement and answer fit in a header', () => {
  const name = 'a'.repeat(limits.nameBytes)
  const files = many(limits.filesPerQuery, { sha256: hash, size: limits.fileBytes, name })
  const path = many(limits.hops, { id: hash, address: '[2001:db8::1]:8048' })
  const full = [
    example('file', { path, files }),
    example('fileAck', { path, way: path, files: many(limits.filesPerQuery, held) }),
    example('announce', { files: many(limits.filesPerAnnounce, held) }),
  ]
  for (const message of full) assert.ok(encode(message).header.length <= limits.headerBytes)
})

test('20,000 mutations decode or are refused, never anything else, and what decodes can be sent on', () => {
  const random = seeded(20261124)
  const samples = readExamples().map(({ message }) => encode(message))
  let refused = 0
  for (let i = 0; i < 20_000; i++) {
    const sample = samples[random.below(samples.length)]!
    const header = mutate(Buffer.from(sample.header), random.below)
    try {
      const message = decode(header, sample.payload ?? NONE)
      if (message) encode(message)
    } catch (error) {
      assert.ok(error instanceof PacsrvError && error.code === 'wire', `${header.toString('hex')}: ${error}`)
      refused++
    }
  }
  assert.ok(refused > 2000 && refused < 20_000, `${refused} refused`)
})

function mutate(bytes: Buffer, below: (limit: number) => number): Buffer {
  for (let count = 1 + below(3); count > 0; count--) bytes[below(bytes.length)] = below(256)
  const cut = below(4) === 0 ? below(bytes.length + 1) : bytes.length
  return bytes.subarray(0, cut)
}

test.run()
