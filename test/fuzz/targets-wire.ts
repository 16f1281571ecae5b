/** What strangers send: the network port, mDNS, the DHT, webhosts and who asks them. */
import { chunkCount } from '../../src/base/chunks.ts'
import { cidrList } from '../../src/base/config-values.ts'
import { decode as decodeBencode, encode as encodeBencode } from '../../src/discovery/bencode.ts'
import { readPacket } from '../../src/discovery/dht/dht-packet.ts'
import { decodePacket, encodePacket, type LanPacket } from '../../src/discovery/lan/lan-packet.ts'
import { createLanPort } from '../../src/discovery/lan/lan-port.ts'
import { PACSERVE, PACSRV, recordsOf } from '../../src/discovery/lan/lan-records.ts'
import { decodeAnswer, encodeAnswer, type ListedNode } from '../../src/discovery/webhost/webhost-answer.ts'
import { formatQuery, INFO_HASH, parseQuery } from '../../src/discovery/webhost/webhost-query.ts'
import { createChunkLists } from '../../src/fetch/trust/chunk-lists.ts'
import { createHeadReader } from '../../src/mirror/response-head.ts'
import { packMaps, unpackMaps } from '../../src/transfer/have-maps.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import { createFrameParser, frameHead, MAGIC } from '../../src/wire/framing.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { createClock } from '../clock.ts'
import { seeded } from '../seeded.ts'
import { readExamples } from '../wire/examples.ts'
import { claim, latin1, refuses, type Target, tick } from './target.ts'

const examples = readExamples()
const pool = createBufferPool()

/** A connection's stream: cut at a place that its own bytes choose, then decoded, and what was decoded encoded again. */
const frames: Target = {
  name: 'frames',
  seeds: () => [
    ...examples.map(({ frame }) => Buffer.concat([MAGIC, frame])),
    Buffer.concat([MAGIC, ...examples.map(({ frame }) => frame)]),
  ],
  run(input) {
    const parser = createFrameParser({
      pool,
      onFrame(header, payload) {
        const message = refuses(['wire'], () => decode(header, payload))
        if (!message) return
        const again = encode(message)
        const same = decode(again.header, again.payload ?? new Uint8Array())
        claim(JSON.stringify(same) === JSON.stringify(message), 'a message decoded isn’t what it encodes to')
      },
    })
    const middle = input.length === 0 ? 0 : (input[input.length - 1]! * 7) % input.length
    refuses(['wire', 'key'], () => {
      parser.push(input.subarray(0, middle))
      parser.push(input.subarray(middle))
    })
  },
}

/** The head of a message alone, without the frame that most changes break. */
const messages: Target = {
  name: 'messages',
  seeds: () =>
    examples.map(({ message }) => {
      const { header, payload } = encode(message)
      return Buffer.concat([Buffer.from([header.length]), header, payload ?? Buffer.alloc(0)])
    }),
  run(input) {
    const header = input.subarray(1, 1 + (input[0] ?? 0))
    const payload = input.subarray(1 + header.length)
    const message = refuses(['wire'], () => decode(header, payload))
    if (message) claim(frameHead(encode(message).header, 0).length < 200_000, 'a header grew')
  },
}

const haveMaps: Target = {
  name: 'have maps',
  seeds: () =>
    [1, 7, 8, 100, 1000].map((chunks) => {
      const maps = { hand: new Uint8Array(chunks).fill(1), own: new Uint8Array(chunks) }
      return Buffer.concat([Buffer.from([chunks >> 8, chunks & 255]), packMaps(maps)])
    }),
  run(input) {
    if (input.length < 2) return
    const chunks = Math.max(1, input.readUInt16BE())
    const maps = unpackMaps(input.subarray(2), chunks)
    if (maps) claim(packMaps(maps).equals(input.subarray(2)), 'maps unpacked aren’t what was packed')
  },
}

const chunkLists: Target = {
  name: 'chunk lists',
  seeds: () => [1, 2, 5].map((chunks) => Buffer.alloc(4 + 32 * chunks, chunks)),
  run(input) {
    if (input.length < 4) return
    const size = Math.max(1, input.readUInt32BE() % 10_000_000)
    const lists = createChunkLists({ sha256: '0'.repeat(64), size })
    const first = lists.add(input.subarray(4), { id: 'a' })
    const half = lists.add(Buffer.from(input.subarray(4)).reverse(), { id: 'b' })
    claim(!first || first.hashes.length === 32 * chunkCount(size), 'a list of another length was taken')
    if (half) lists.firstDifference(half)
    if (first) lists.drop(first)
  },
}

const link = { name: 'eth0', family: 4 as const, addresses: ['10.0.0.1'], networks: cidrList('10.0.0.0/24') }
const own = { id: 'ab'.repeat(32), port: 8048, addresses: ['10.0.0.1'], family: 4 as const, closed: false }

/** A link's mind with what reads packets before it, as lan-socket.ts joins them, but for the socket. */
function createLan() {
  const clock = createClock()
  const sent: Buffer[] = []
  const port = createLanPort(
    { clock, random: seeded(1), send: (packet) => void sent.push(encodePacket(packet)) },
    { link, own, services: [PACSRV, PACSERVE] },
    { onFound: () => true, onGone() {} },
  )
  function hear(bytes: Buffer) {
    let packet: LanPacket
    try {
      packet = decodePacket(bytes)
    } catch {
      return
    }
    if (packet.query) port.onQuery(packet.query)
    else port.onResponse(packet.response, '10.0.0.2')
  }
  port.start()
  return { clock, sent, port, hear }
}

let lan: ReturnType<typeof createLan> | undefined
const mdns: Target = {
  name: 'mDNS',
  seeds() {
    const other = { ...own, id: 'cd'.repeat(32), addresses: ['10.0.0.2'] }
    const ask = (type: 'PTR' | 'SRV', name: string) =>
      encodePacket({ questions: [{ name, type }], answers: [] })
    return [
      encodePacket({ answers: recordsOf(other) }),
      encodePacket({ answers: recordsOf(other, true) }),
      ask('PTR', PACSRV),
      ask('SRV', `pacsrv-abababababababab.${PACSRV}`),
    ]
  },
  async run(input) {
    lan ??= createLan()
    const { clock, sent, port, hear } = lan
    // So many packets a second are read, and these shall be.
    clock.advance(30)
    sent.length = 0
    const from = { address: '10.0.0.2', port: 5353 }
    if (port.accepts(input, from)) hear(input)
    await tick()
    claim(sent.length <= 2, `${sent.length} packets were sent for one`)
  },
}

const id = Buffer.alloc(20, 5)
const contact = Buffer.from([198, 51, 100, 9, 0x1f, 0x90])
const dht: Target = {
  name: 'DHT packets',
  seeds: () => {
    const [t, hash] = [Buffer.from('aa'), Buffer.alloc(20, 9)]
    const query = (q: string, a: object) => encodeBencode({ t, y: 'q', q, a: { id, ...a } })
    const answer = (r: object) => encodeBencode({ t, y: 'r', r: { id, ...r } })
    return [
      query('ping', {}),
      query('find_node', { target: hash }),
      query('get_peers', { info_hash: hash }),
      query('announce_peer', { info_hash: hash, token: 'x', implied_port: 0, port: 8048 }),
      answer({ nodes: Buffer.concat([id, contact]), token: 'x' }),
      answer({ values: [contact, contact] }),
      encodeBencode({ t, y: 'e', e: [201, 'error'] }),
    ]
  },
  run(input) {
    const packet = readPacket(input, '198.51.100.7:6881', id)
    if (!packet) return
    const again = readPacket(packet.bytes, '198.51.100.7:6881', id)
    claim(
      again?.kind === packet.kind && again.bytes.equals(packet.bytes),
      'what was checked fails the same check',
    )
  },
}

const bencode: Target = {
  name: 'bencode',
  seeds: () => latin1('d1:ai1e1:bl1:c1:dee', 'i-5e', '4:abcd', 'llllleeeee', 'l'.repeat(20_000)),
  run(input) {
    const value = refuses(['wire'], () => decodeBencode(input))
    if (value !== undefined) claim(decodeBencode(encodeBencode(value)) !== undefined, 'it isn’t read again')
  },
}

const webhostAnswers: Target = {
  name: 'webhost answers',
  seeds: () => {
    const nodes: ListedNode[] = [
      { peerId: '11'.repeat(20), endpoint: '198.51.100.9:8048' },
      { peerId: '22'.repeat(20), endpoint: '[2001:db8::1]:8048' },
    ]
    return [
      ...[true, false].map((compact) => encodeAnswer({ interval: 60, minInterval: 30 }, nodes, compact)),
      ...latin1('d14:failure reason4:gonee', 'd8:intervali5e5:peersle6:peers60:e'),
    ]
  },
  run(input) {
    const answer = refuses(['peer'], () => decodeAnswer(input, '11'.repeat(20)))
    claim((answer?.nodes.length ?? 0) <= 200, 'too many nodes')
  },
}

const announces: Target = {
  name: 'webhost announces',
  seeds: () => {
    const query = { infoHash: INFO_HASH, peerId: '11'.repeat(20), port: 8048, wanted: 20, compact: true }
    return latin1(formatQuery(query), formatQuery({ ...query, event: 'started', compact: false }))
  },
  run(input) {
    const query = refuses(['wire'], () => parseQuery(input.toString('latin1')))
    if (!query) return
    claim(query.wanted >= 0 && query.wanted <= 50 && query.port <= 65_535, 'out of bounds')
    claim(parseQuery(formatQuery(query)).infoHash === query.infoHash, 'it isn’t read again')
  },
}

const mirrorHeads: Target = {
  name: 'mirror answers',
  seeds: () =>
    latin1(
      'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 100-999/1000\r\n\r\nbody',
      'HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nHTTP/2 200 \r\ncontent-length: 1000\r\n\r\nbody',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n',
    ),
  run(input) {
    const read = createHeadReader({ start: 100, size: 1000 })
    const middle = input.length >> 1
    refuses(['mirror', 'mismatch'], () => {
      const answer = read(input.subarray(0, middle)) ?? read(input.subarray(middle))
      if (answer) claim([0, 100].includes(answer.head.offset), 'it begins elsewhere')
    })
  },
}

export const wireTargets = [
  frames,
  messages,
  haveMaps,
  chunkLists,
  mdns,
  dht,
  bencode,
  webhostAnswers,
  announces,
  mirrorHeads,
]
