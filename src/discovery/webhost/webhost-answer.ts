import ipaddr from 'ipaddr.js'
import { type Endpoint, endpoint, hostPort } from '../../base/endpoint.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import { type Bencoded, decode, encode } from '../bencode.ts'

/** A node as a tracker knows it. */
export interface ListedNode {
  endpoint: Endpoint
  /** 20 bytes as 40 hex digits. */
  peerId: string
}

/** Seconds, as BEP 3 has them. */
export interface Pace {
  interval: number
  minInterval: number
}

const V4_BYTES = 4
const V6_BYTES = 16
const PORT_BYTES = 2

/** Nodes read from one answer; the rest of a longer one is left unread. */
export const MAX_NODES = 200
const MAX_REASON = 200

function compactNode({ endpoint: of }: ListedNode): Buffer {
  const { host, port } = hostPort(of)
  return Buffer.from([...ipaddr.parse(host).toByteArray(), port >> 8, port & 255])
}

/** An announce's answer: BEP 23 and BEP 7's `peers` and `peers6`, or BEP 3's list of dictionaries. */
export function encodeAnswer(pace: Pace, nodes: ListedNode[], compact: boolean): Buffer {
  const times = { interval: pace.interval, 'min interval': pace.minInterval }
  if (!compact) {
    const peers = nodes.map(({ endpoint: of, peerId }) => {
      const { host, port } = hostPort(of)
      return { ip: host, 'peer id': Buffer.from(peerId, 'hex'), port }
    })
    return encode({ ...times, peers })
  }
  const packed = nodes.map(compactNode)
  const ofBytes = (bytes: number) =>
    Buffer.concat(packed.filter((node) => node.length === bytes + PORT_BYTES))
  return encode({ ...times, peers: ofBytes(V4_BYTES), peers6: ofBytes(V6_BYTES) })
}

export function encodeFailure(reason: string): Buffer {
  return encode({ 'failure reason': reason })
}

/** What a tracker told. Times in seconds, as it gave them: the reader bounds them. */
export interface WebhostAnswer {
  interval?: number
  minInterval?: number
  nodes: Endpoint[]
}

function* compactNodes(bytes: Buffer, addressBytes: number): Generator<Endpoint | undefined> {
  const step = addressBytes + PORT_BYTES
  if (bytes.length % step !== 0) throw new PacsrvError('wire', `peers of ${bytes.length} bytes`)
  for (let at = 0; at < bytes.length; at += step) {
    const host = ipaddr.fromByteArray([...bytes.subarray(at, at + addressBytes)]).toString()
    yield endpoint(host, bytes.readUInt16BE(at + addressBytes))
  }
}

function* listedNodes(list: Bencoded[], ownPeerId: string): Generator<Endpoint | undefined> {
  for (const item of list) {
    if (!(item instanceof Map)) throw new PacsrvError('wire', 'a peer that is no dictionary')
    const [ip, port, id] = [item.get('ip'), item.get('port'), item.get('peer id')]
    if (Buffer.isBuffer(id) && id.toString('hex') === ownPeerId) continue
    if (Buffer.isBuffer(ip) && typeof port === 'number') yield endpoint(ip.toString('latin1'), port)
  }
}

function* nodesOf(answer: Map<string, Bencoded>, ownPeerId: string): Generator<Endpoint | undefined> {
  const peers = answer.get('peers')
  const peers6 = answer.get('peers6')
  if (Array.isArray(peers)) yield* listedNodes(peers, ownPeerId)
  else if (Buffer.isBuffer(peers)) yield* compactNodes(peers, V4_BYTES)
  else if (peers !== undefined || peers6 === undefined) throw new PacsrvError('wire', 'no peers')
  if (Buffer.isBuffer(peers6)) yield* compactNodes(peers6, V6_BYTES)
}

function atMost(nodes: Iterable<Endpoint | undefined>): Endpoint[] {
  const found = new Set<Endpoint>()
  for (const node of nodes) {
    if (node !== undefined) found.add(node)
    if (found.size === MAX_NODES) break
  }
  return [...found]
}

/** What a stranger wrote, fit for a log line. */
const printable = (bytes: Buffer) =>
  bytes
    .subarray(0, MAX_REASON)
    .toString('latin1')
    .replace(/[^ -~]/g, '?')

/**
 * Reads an announce's answer, compact or not; throws a PacsrvError of code `peer`. Names and nonsense among
 * the addresses are passed over, as is the node whose peer id is our own.
 */
export function decodeAnswer(body: Buffer, ownPeerId: string): WebhostAnswer {
  try {
    const answer = decode(body)
    if (!(answer instanceof Map)) throw new PacsrvError('wire', 'no dictionary')
    const failure = answer.get('failure reason')
    if (Buffer.isBuffer(failure)) throw new PacsrvError('wire', printable(failure))
    const interval = answer.get('interval')
    const minInterval = answer.get('min interval')
    return {
      ...(typeof interval === 'number' ? { interval } : {}),
      ...(typeof minInterval === 'number' ? { minInterval } : {}),
      nodes: atMost(nodesOf(answer, ownPeerId)),
    }
  } catch (cause) {
    throw new PacsrvError('peer', `the webhost's answer is no use: ${asError(cause).message}`, cause)
  }
}
