import { Packr } from 'msgpackr'
import { HASH_BYTES } from '../base/chunks.ts'
import { PacsrvError } from '../base/error.ts'
import {
  addressIfAny,
  anyAddress,
  bytes,
  choice,
  Fault,
  type Field,
  fileName,
  flag,
  integer,
  list,
  listIfAny,
  located,
  record,
  text,
  u32,
} from './fields.ts'
import { limits } from './limits.ts'
import type { HeldFile, Hop, Message, MessageName, WantedFile } from './messages.ts'
import { MessageType } from './messages.ts'

/** A message as the two parts of a frame. */
export interface Encoded {
  header: Uint8Array
  payload?: Uint8Array
}

/** What a payload may measure; messages without this have none. */
interface PayloadRule {
  max: number
  multiple: number
}

interface Schema<M> {
  fields: Field<M>
  payload?: PayloadRule
}

const hash = bytes(32)
const query = bytes(16)
const ttl = integer(0, limits.ttl)
const size = integer(1, limits.fileBytes)
const chunks = limits.fileBytes / limits.payloadBytes
const chunk = integer(0, chunks - 1)
/** Of the largest file's two maps (HAVE). */
const mapsBytes = 2 * Math.ceil(chunks / 8)

const hop = record<Hop>({ id: hash, address: addressIfAny })
const path = list(hop, limits.hops)
const wanted = record<WantedFile>({ sha256: hash, size, name: fileName(limits.nameBytes) })
const held = record<HeldFile>({ sha256: hash, size, root: hash, whole: flag })

type Body<M> = Omit<M, 'type' | 'payload'>
const schema = <M>(fields: Field<Body<M>>, payload?: PayloadRule): Schema<Body<M>> =>
  payload ? { fields, payload } : { fields }

type Of<N extends MessageName> = Extract<Message, { type: N }>

/** The order of the fields here is their order on the wire. */
const schemas: { [N in MessageName]: Schema<Body<Of<N>>> } = {
  hello: schema(
    record<Body<Of<'hello'>>>({
      version: integer(0, 0xffff),
      capabilities: list(text(limits.capabilityBytes), limits.capabilities),
      key: hash,
      nonce: hash,
      purpose: choice('neighbour', 'transfer'),
      port: integer(0, 0xffff),
      advertise: addressIfAny,
      seen: anyAddress,
      agent: text(limits.agentBytes),
    }),
  ),
  proof: schema(record({ signature: bytes(64) })),
  ping: schema(record({ token: u32 })),
  pong: schema(record({ token: u32 })),
  bye: schema(record({ reason: text(limits.reasonBytes) })),
  file: schema(
    record<Body<Of<'file'>>>({
      query,
      ttl,
      path,
      files: list(wanted, limits.filesPerQuery),
      told: listIfAny(bytes(8), limits.told),
    }),
  ),
  fileAck: schema(
    record({ query, ttl, path, way: path, reachable: flag, files: list(held, limits.filesPerQuery) }),
  ),
  call: schema(record({ query, ttl, path, asker: hop })),
  announce: schema(record({ files: list(held, limits.filesPerAnnounce) })),
  withdraw: schema(record({ files: list(hash, limits.filesPerAnnounce) })),
  nodesWanted: schema(record({})),
  nodes: schema(record({ nodes: list(hop, limits.nodes) })),
  manifestWanted: schema(record({ request: u32, sha256: hash })),
  manifest: schema(record({ request: u32 }), { max: chunks * HASH_BYTES, multiple: HASH_BYTES }),
  get: schema(
    record<Body<Of<'get'>>>({
      request: u32,
      sha256: hash,
      chunk,
      more: listIfAny(chunk, limits.requests - 1),
    }),
  ),
  chunk: schema(record({ request: u32 }), { max: limits.payloadBytes, multiple: 1 }),
  refuse: schema(record({ request: u32, reason: choice('absent', 'busy', 'broken') })),
  cancel: schema(record({ request: u32 })),
  have: schema(record({ sha256: hash }), { max: mapsBytes, multiple: 2 }),
  dialBack: schema(record({})),
  signatureWanted: schema(record({ request: u32, sha256: hash })),
  signature: schema(record({ request: u32 }), { max: limits.signatureBytes, multiple: 1 }),
  haves: schema(
    record({ files: list(record({ sha256: hash, bytes: integer(2, mapsBytes) }), limits.haves) }),
    { max: limits.haves * mapsBytes, multiple: 2 },
  ),
}

const nameOf = new Map<number, MessageName>(
  Object.entries(MessageType).map(([name, type]) => [type, name as MessageName]),
)
const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: false,
  structuredClone: false,
  int64AsType: 'number',
})

const schemaOf = (name: MessageName) => schemas[name] as Schema<object>

function checkPayload(name: MessageName, payload: Uint8Array) {
  const rule = schemaOf(name).payload
  if (!rule && payload.length > 0) throw new Fault('has a payload')
  if (!rule) return
  const fits = payload.length > 0 && payload.length <= rule.max && payload.length % rule.multiple === 0
  if (!fits) throw new Fault(`payload has a wrong length of ${payload.length} bytes`)
}

/** Turns faults into the one error that others see. */
function guarded<T>(name: string, act: () => T): T {
  try {
    return located(name, act)
  } catch (error) {
    const why = error instanceof Fault ? error.message : `${name} is not msgpack`
    throw new PacsrvError('wire', `Message ${why}.`, error)
  }
}

const EMPTY = new Uint8Array(0)

/** @throws PacsrvError `wire` where the message breaks the protocol's bounds: a fault of our own. */
export function encode(message: Message): Encoded {
  const payload = 'payload' in message ? message.payload : EMPTY
  const fields = guarded(message.type, () => {
    checkPayload(message.type, payload)
    return schemaOf(message.type).fields.write(message) as unknown[]
  })
  const header = packr.pack([MessageType[message.type], ...fields])
  return payload.length > 0 ? { header, payload } : { header }
}

/** How msgpack begins a list of up to 15 entries. */
const SHORT_LIST = 0x90

/** Of which type a frame's message is, by its first two bytes; undefined where only decoding it can tell. */
export function typeOf(header: Uint8Array): MessageName | undefined {
  return (header[0]! & 0xf0) === SHORT_LIST ? nameOf.get(header[1]!) : undefined
}

/**
 * The message of a frame; undefined for a type that only later versions know. The payload isn't copied.
 * @throws PacsrvError `wire` that names message and field.
 */
export function decode(header: Uint8Array, payload: Uint8Array): Message | undefined {
  const raw: unknown = guarded('header', () => packr.unpack(header))
  if (!Array.isArray(raw) || !Number.isInteger(raw[0])) {
    throw new PacsrvError('wire', 'Message header is not a list that starts with a type.')
  }
  const name = nameOf.get(raw[0])
  if (!name) return undefined
  return guarded(name, () => {
    checkPayload(name, payload)
    const fields = schemaOf(name).fields.read(raw.slice(1))
    return { type: name, ...fields, ...(payload.length > 0 && { payload }) } as Message
  })
}
