import type { NetworkInterfaceInfo, NetworkInterfaceInfoIPv4, NetworkInterfaceInfoIPv6 } from 'node:os'
import { silentLog } from '../../../src/base/log.ts'
import { createProblems, type Problems } from '../../../src/base/problems.ts'
import { createLan, type Lan } from '../../../src/discovery/lan/lan.ts'
import { type LanLink, lanLinks } from '../../../src/discovery/lan/lan-link.ts'
import type { Answer, Query, Response } from '../../../src/discovery/lan/lan-records.ts'
import type { LanSocketHandler, OpenLanSocket } from '../../../src/discovery/lan/lan-socket.ts'
import { createClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'

const about = { netmask: '', mac: '02:00:00:00:00:01', internal: false }
export const info4 = (cidr: string): NetworkInterfaceInfoIPv4 => {
  return { ...about, family: 'IPv4', address: cidr.split('/')[0]!, cidr }
}
export const info6 = (cidr: string): NetworkInterfaceInfoIPv6 => {
  return { ...about, family: 'IPv6', address: cidr.split('/')[0]!, cidr, scopeid: 2 }
}

export const idOf = (digit: number | string) => String(digit).padEnd(64, '0')

export interface TestLanNode {
  lan: Lan
  problems: Problems
  id: string
  /** What was told, as `id address` for nodes and `+ address` or `- address` for servers. */
  nodes: string[]
  servers: string[]
  /** The machine's interfaces: change them, and the next scan sees it. */
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>
}

interface Plug {
  link: LanLink
  handler: LanSocketHandler
  source: string
}

export interface Sent {
  from: string
  questions: string[]
  answers: Answer[]
  at: number
}

/** Nodes on one wire, whose packets the test counts. */
export function createWire() {
  const clock = createClock()
  const random = seeded(3)
  const plugs = new Set<Plug>()
  const sent: Sent[] = []

  const sourceOf = ({ name, family, addresses }: LanLink) =>
    family === 6 && addresses[0]!.startsWith('fe80') ? `${addresses[0]}%${name}` : addresses[0]!

  /** Brings a packet to every plug of its IP version, `bytes` being what a real one would be judged by. */
  function deliver(packet: Query | Pick<Response, 'answers'>, source: string, except?: Plug) {
    const bytes = Buffer.from(JSON.stringify(packet))
    for (const plug of [...plugs]) {
      if (plug === except || !plug.handler.accepts(bytes, { address: source, port: 5353 })) continue
      if ('questions' in packet) plug.handler.onQuery(packet)
      else plug.handler.onResponse({ additionals: [], ...packet }, source)
    }
  }

  const openSocket: OpenLanSocket = (link, handler) => {
    const plug = { link, handler, source: sourceOf(link) }
    plugs.add(plug)
    clock.after(0, handler.onReady)
    return {
      send(packet) {
        const questions =
          'questions' in packet ? packet.questions.map(({ type, name }) => `${type} ${name}`) : []
        sent.push({ from: plug.source, questions, answers: packet.answers, at: clock.now() })
        clock.after(1, () => deliver(packet, plug.source, plug))
      },
      async close() {
        plugs.delete(plug)
      },
    }
  }

  function node(
    id: string,
    interfaces: TestLanNode['interfaces'],
    {
      listen = '[::]:8048',
      pacserve = false,
      closed = false,
      names = [],
      host = '',
    }: { listen?: string; pacserve?: boolean; closed?: boolean; names?: string[]; host?: string } = {},
  ): TestLanNode {
    const nodes: string[] = []
    const servers: string[] = []
    const problems = createProblems(clock)
    const one: TestLanNode = { id, nodes, servers, interfaces, lan: undefined as unknown as Lan, problems }
    one.lan = createLan(
      {
        clock,
        random,
        log: silentLog,
        problems,
        openSocket,
        links: () => lanLinks(one.interfaces, () => ({ tunnel: false, enslaved: false }), true),
      },
      { id, listen: () => listen, pacserve, closed, interfaces: names, host },
      {
        onNode: (address, theirs) => void nodes.push(`${theirs} ${address}`),
        onServer: (address, there) => void servers.push(`${there ? '+' : '-'} ${address}`),
      },
    )
    one.lan.start()
    return one
  }

  return { clock, sent, deliver, node }
}

export const wired = (n: number) => ({ eth0: [info4(`10.0.0.${n}/24`)] })
