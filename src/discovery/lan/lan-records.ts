import type dnsPacket from 'dns-packet'
import { PROTOCOL_VERSION } from '../../wire/limits.ts'
import type { NodeId } from '../../wire/messages.ts'

export type Question = dnsPacket.Question
export type Answer = dnsPacket.Answer

/** A query with what its asker knows already. */
export interface Query {
  questions: Question[]
  answers: Answer[]
}

export interface Response {
  answers: Answer[]
  additionals: Answer[]
}

/** What nodes announce (RFC 6763). */
export const PACSRV = '_pacsrv._tcp.local'
/** What pacredir's servers announce: packages by plain HTTP. */
export const PACSERVE = '_pacserve._tcp.local'

/** Seconds: RFC 6762, section 10. */
export const TTL = { service: 4500, host: 120 }

/** Bounds on what one packet may bring. */
export const MAX_RECORDS = 256
export const MAX_INSTANCES = 16
export const MAX_TXT_STRINGS = 16
export const MAX_INSTANCE_BYTES = 200

/** This node as others on the link are told of it. */
export interface OwnService {
  id: NodeId
  port: number
  addresses: string[]
  family: 4 | 6
  /** Whether it talks only to who has its key. */
  closed: boolean
  /** This machine's name, for people; not told by a closed node. */
  host?: string | undefined
}

/** Short enough for one label, and as unique as is needed: no probing for it (RFC 6762, section 8.1). */
export const labelOf = (id: NodeId) => `pacsrv-${id.slice(0, 16)}`
export const instanceOf = (id: NodeId) => `${labelOf(id)}.${PACSRV}`

/** What is shown of another machine's name: one label, whoever says it. */
export const isHostName = (name: string) => /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(name)

/** The records of this node; with TTL 0 they are its goodbye. */
export function recordsOf(
  { id, port, addresses, family, closed, host: name }: OwnService,
  goodbye = false,
): Answer[] {
  const instance = instanceOf(id)
  const host = `${labelOf(id)}.local`
  const [service, own] = goodbye ? [0, 0] : [TTL.service, TTL.host]
  return [
    { type: 'PTR', name: PACSRV, ttl: service, data: instance },
    { type: 'SRV', name: instance, ttl: own, flush: true, data: { port, target: host } },
    {
      type: 'TXT',
      name: instance,
      ttl: service,
      flush: true,
      data: [
        'txtvers=1',
        `id=${id}`,
        `version=${PROTOCOL_VERSION}`,
        ...(closed ? ['closed=yes'] : []),
        ...(name !== undefined && !closed && isHostName(name) ? [`host=${name}`] : []),
      ],
    },
    ...addresses.map(
      (data): Answer => ({ type: family === 4 ? 'A' : 'AAAA', name: host, ttl: own, flush: true, data }),
    ),
  ]
}

/** Whether a question is about this node, and isn't answered by what the asker says it knows. */
export function asksFor(own: OwnService, { questions, answers }: Query): boolean {
  const instance = instanceOf(own.id)
  const names = new Map([
    [PACSRV, ['PTR']],
    [instance, ['SRV', 'TXT']],
    [`${labelOf(own.id)}.local`, ['A', 'AAAA']],
  ])
  const asked = questions.slice(0, MAX_RECORDS).filter(({ name, type }) => {
    const types = names.get(name.toLowerCase())
    return types !== undefined && (types.includes(type) || type === ('ANY' as string))
  })
  const onlyBrowses = asked.every(({ name }) => name.toLowerCase() === PACSRV)
  return asked.length > 0 && !(onlyBrowses && knows(answers, instance))
}

/** A known answer counts while it has at least half its time to live (RFC 6762, section 7.1). */
function knows(answers: Answer[], instance: string): boolean {
  return answers
    .slice(0, MAX_RECORDS)
    .some(
      (known) =>
        known.type === 'PTR' &&
        known.name.toLowerCase() === PACSRV &&
        (known.ttl ?? 0) >= TTL.service / 2 &&
        known.data.toLowerCase() === instance,
    )
}

/** What a packet says of one instance of a service. */
export interface Sighting {
  instance: string
  /** Seconds; 0 is a goodbye. Undefined when the packet doesn't list the instance, only describes it. */
  ttl?: number
  port?: number
  txt?: Map<string, string>
}

/** The instances of `service` that a packet speaks of. */
export function sightingsOf({ answers, additionals }: Response, service: string): Sighting[] {
  const found = new Map<string, Sighting>()
  const about = (name: string): Sighting | undefined => {
    const instance = name.toLowerCase()
    if (!isInstance(instance, service)) return undefined
    const known = found.get(instance) ?? (found.size < MAX_INSTANCES ? { instance } : undefined)
    if (known) found.set(instance, known)
    return known
  }
  for (const record of [...answers, ...additionals].slice(0, MAX_RECORDS)) {
    if (record.type === 'PTR' && record.name.toLowerCase() === service) {
      const one = about(record.data)
      if (one) one.ttl = record.ttl ?? 0
    } else if (record.type === 'SRV') {
      const one = about(record.name)
      if (one && (record.ttl ?? 0) > 0) one.port = record.data.port
    } else if (record.type === 'TXT') {
      const one = about(record.name)
      if (one) one.txt = pairsOf(record.data)
    }
  }
  return [...found.values()]
}

/** Plain text that can be written in a packet again: no empty label, nothing that would garble a log. */
function isInstance(name: string, service: string): boolean {
  const label = name.slice(0, -service.length - 1)
  return (
    name.endsWith(`.${service}`) &&
    name.length <= MAX_INSTANCE_BYTES &&
    /^[ -~]+$/.test(label) &&
    label.split('.').every((part) => part.length > 0 && part.length <= 63)
  )
}

/** `key=value` strings, the first of a key counts (RFC 6763, section 6.4). */
function pairsOf(data: Extract<Answer, { type: 'TXT' }>['data']): Map<string, string> {
  const pairs = new Map<string, string>()
  const strings = (Array.isArray(data) ? data : [data]).slice(0, MAX_TXT_STRINGS)
  for (const text of strings.map(String)) {
    const cut = text.indexOf('=')
    const key = text.slice(0, cut).toLowerCase()
    if (cut > 0 && !pairs.has(key)) pairs.set(key, text.slice(cut + 1))
  }
  return pairs
}
