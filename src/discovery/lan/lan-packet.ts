import dnsPacket from 'dns-packet'
import type { LanPortDeps } from './lan-port.ts'
import type { Query, Response } from './lan-records.ts'

/** What came: of one kind or the other. */
export type LanPacket = { query: Query; response?: undefined } | { response: Response; query?: undefined }

/** A query, or a response where there are no questions. */
export function encodePacket(packet: Parameters<LanPortDeps['send']>[0]): Buffer {
  return 'questions' in packet
    ? dnsPacket.encode({ type: 'query', ...packet })
    : dnsPacket.encode({ type: 'response', flags: dnsPacket.AUTHORITATIVE_ANSWER, ...packet })
}

/** Throws for what is no DNS message. */
export function decodePacket(bytes: Buffer): LanPacket {
  const packet = dnsPacket.decode(bytes)
  return packet.type === 'query'
    ? { query: packet as unknown as Query }
    : { response: packet as unknown as Response }
}
