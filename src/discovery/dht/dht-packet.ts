import { isOfUse, type Reach, reachOf } from '../../base/address.ts'
import { type Endpoint, LOWEST_PORT } from '../../base/endpoint.ts'
import { type Bencoded, decode, encode } from '../bencode.ts'

/** BEP 5's answers stay below the usual MTU, but bittorrent-dht's name every node in its table. */
export const MAX_PACKET = 16_384
const ID_BYTES = 20
const NODE_BYTES = 26
const MAX_NODES = 512
/** Of those, and of the peers, so many are of use: the nearest come first. Nor does this node name more. */
const NODES_KEPT = 20
const PEERS_KEPT = 50
/** BEP 5's K. */
const NODES_NAMED = 8
const PEER_BYTES = 6
const MAX_PEERS = 1_000
/** Ours are SHA-1; others' are 4 to 20 bytes. */
const MAX_TOKEN = 64
const MAX_TRANSACTION = 20
/** The library numbers its queries with two bytes. */
const OWN_TRANSACTION = 2

/** A packet of the DHT (BEP 5) that the library may see. */
export interface Packet {
  kind: 'query' | 'answer'
  /** In hex. */
  transaction: string
  /** Only what BEP 5 has, and only what was checked, encoded again. */
  bytes: Buffer
}

type Dictionary = Map<string, Bencoded>

/**
 * What `bytes` say, or undefined where they break BEP 5 in anything. A query bears the id `shown` in place of its
 * sender's: the library takes whoever asks into its table, unproved, but for itself. Nodes and peers that `from` may not
 * send anybody to are left out: ports below 1024, and addresses that reach less far than its own.
 */
export function readPacket(bytes: Buffer, from: Endpoint, shown: Buffer): Packet | undefined {
  if (bytes.length > MAX_PACKET) return undefined
  let message: Bencoded
  try {
    message = decode(bytes)
  } catch {
    return undefined
  }
  if (!(message instanceof Map)) return undefined
  const t = bytesOf(message.get('t'), 1, MAX_TRANSACTION)
  if (!t) return undefined
  const packet = (kind: Packet['kind'], y: string, body: object | undefined): Packet | undefined =>
    body && { kind, transaction: t.toString('hex'), bytes: encode({ t, y, ...body }) }
  switch (bytesOf(message.get('y'), 1, 1)?.toString('latin1')) {
    case 'q':
      return packet('query', 'q', queryOf(message, shown))
    case 'r':
      return t.length === OWN_TRANSACTION ? packet('answer', 'r', answerOf(message, from)) : undefined
    case 'e':
      return t.length === OWN_TRANSACTION ? packet('answer', 'e', errorOf(message)) : undefined
  }
  return undefined
}

function bytesOf(value: Bencoded | undefined, least: number, most: number): Buffer | undefined {
  return Buffer.isBuffer(value) && value.length >= least && value.length <= most ? value : undefined
}

const idOf = (within: Dictionary, name: string) => bytesOf(within.get(name), ID_BYTES, ID_BYTES)

/** `put` (BEP 44) is not among them: nobody stores things here. */
function queryOf(message: Dictionary, shown: Buffer): object | undefined {
  const q = bytesOf(message.get('q'), 1, 20)?.toString('latin1')
  const a = message.get('a')
  if (q === undefined || !(a instanceof Map) || !idOf(a, 'id')) return undefined
  const rest = argumentsOf(q, a)
  return rest && { q, a: { id: shown, ...rest } }
}

function argumentsOf(q: string, a: Dictionary): object | undefined {
  if (q === 'ping') return {}
  if (q === 'find_node' || q === 'get') {
    const target = idOf(a, 'target')
    return target && { target }
  }
  const hash = idOf(a, 'info_hash')
  if (!hash) return undefined
  if (q === 'get_peers') return { info_hash: hash }
  return q === 'announce_peer' ? announcementOf(a, hash) : undefined
}

function announcementOf(a: Dictionary, hash: Buffer): object | undefined {
  const token = bytesOf(a.get('token'), 1, MAX_TOKEN)
  const implied = a.get('implied_port') ?? 0
  const port = a.get('port') ?? 0
  if (!token || typeof implied !== 'number' || typeof port !== 'number') return undefined
  if (implied !== 0) return { info_hash: hash, token, implied_port: 1 }
  return port >= LOWEST_PORT && port <= 65_535 ? { info_hash: hash, token, implied_port: 0, port } : undefined
}

function answerOf(message: Dictionary, from: Endpoint): object | undefined {
  const r = message.get('r')
  const id = r instanceof Map ? idOf(r, 'id') : undefined
  if (!(r instanceof Map) || !id) return undefined
  const answer: Record<string, unknown> = { id }
  const reach = reachOf(from)
  if (r.has('token')) {
    const token = bytesOf(r.get('token'), 1, MAX_TOKEN)
    if (!token) return undefined
    answer.token = token
  }
  if (r.has('nodes')) {
    const nodes = bytesOf(r.get('nodes'), 0, MAX_NODES * NODE_BYTES)
    if (!nodes || nodes.length % NODE_BYTES !== 0) return undefined
    const welcome = cut(nodes).filter((node) => isWelcome(node.subarray(ID_BYTES), reach))
    answer.nodes = Buffer.concat(welcome.slice(0, NODES_KEPT))
  }
  if (r.has('values')) {
    const values = r.get('values')
    if (!Array.isArray(values) || values.length > MAX_PEERS || !values.every(isPeer)) return undefined
    const welcome = values.filter((peer) => peer.length === PEER_BYTES && isWelcome(peer, reach))
    answer.values = welcome.slice(0, PEERS_KEPT)
  }
  return { r: answer }
}

const cut = (nodes: Buffer) =>
  Array.from({ length: nodes.length / NODE_BYTES }, (_, i) =>
    nodes.subarray(i * NODE_BYTES, (i + 1) * NODE_BYTES),
  )

/** An IPv6 peer (BEP 32) is no fault, though nothing that the library can use. */
const isPeer = (value: Bencoded): value is Buffer =>
  Buffer.isBuffer(value) && (value.length === PEER_BYTES || value.length === 18)

/** Whether somebody whose address reaches `from` may send us to this one. */
function isWelcome(peer: Buffer, from: Reach | undefined): boolean {
  const port = peer.readUInt16BE(4)
  return port >= LOWEST_PORT && isOfUse(reachOf(`${[...peer.subarray(0, 4)].join('.')}:${port}`), from)
}

function errorOf(message: Dictionary): object | undefined {
  const e = message.get('e')
  if (!Array.isArray(e) || typeof e[0] !== 'number') return undefined
  const text = bytesOf(e[1], 0, 256)
  return text && { e: [e[0], text] }
}

/** A packet of the library's own, on its way out. */
export interface Outgoing {
  /** Of a query of ours. */
  transaction: string | undefined
  bytes: Uint8Array
}

/**
 * Its answers name every node and peer that it knows: a short query with a forged sender would send a victim 20 times
 * its length. The nearest nodes, and some peers, are enough.
 */
export function readOutgoing(bytes: Uint8Array): Outgoing {
  const message = decode(Buffer.from(bytes)) as Dictionary
  const t = message.get('t') as Buffer
  const r = message.get('r')
  if (message.get('y')?.toString() === 'q') return { transaction: t.toString('hex'), bytes }
  if (!(r instanceof Map)) return { transaction: undefined, bytes }
  const answer: Record<string, unknown> = Object.fromEntries(r)
  if (Buffer.isBuffer(answer.nodes)) answer.nodes = answer.nodes.subarray(0, NODES_NAMED * NODE_BYTES)
  if (Array.isArray(answer.values)) answer.values = answer.values.slice(0, PEERS_KEPT)
  return { transaction: undefined, bytes: encode({ t, y: 'r', r: answer }) }
}
