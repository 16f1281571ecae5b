import { splitHostPort } from '../base/endpoint.ts'
import { type Problem, type ProblemCode, unreachableAt } from '../base/problems.ts'

/** One of the ways in which this node and others meet. */
export interface Way {
  way: 'incoming' | 'lan' | 'direct' | 'webhost' | 'dht' | 'closed'
  /** `unknown`: nobody has tried yet. */
  state: 'on' | 'off' | 'wrong' | 'unknown'
  /** A sentence. */
  about: string
  /** What to do where it is wrong. */
  fix: string | null
}

/** What there is to say of them. */
export interface WayFacts {
  listen: string | null
  reachable: 'yes' | 'no' | 'unknown'
  peers: readonly { distance: 'link' | 'site' | 'world' }[]
  dht: { nodes: number; announced: number } | null
  problems: readonly Pick<Problem, 'code' | 'problem' | 'fix'>[]
  /** What the configuration wants, as of now. */
  wanted: WantedWays
}

export interface WantedWays {
  lan: boolean
  direct: number
  webhosts: number
  keys: number
}

type Said = Pick<Way, 'state' | 'about'> & { fix?: string }

/** The state of each way in, and what to do about those that are wrong, as `check` says it. */
export function waysOf(facts: WayFacts): Way[] {
  const { peers, dht, problems, wanted } = facts
  const onLink = peers.filter(({ distance }) => distance === 'link').length
  const off = (about: string): Said => ({ state: 'off', about })
  const on = (about: string): Said => ({ state: 'on', about })
  const said: Record<Way['way'], Said> = {
    incoming: incoming(facts),
    lan: wanted.lan
      ? on(`Machines of the local network are looked for; ${counted(onLink, 'is', 'are')} connected.`)
      : off('Not looked for ([network] lan).'),
    direct:
      wanted.direct > 0
        ? on(`${counted(wanted.direct, 'machine is', 'machines are')} named in the configuration.`)
        : off('None is named ([direct] server).'),
    webhost:
      wanted.webhosts > 0
        ? on(`${counted(wanted.webhosts, 'webhost is', 'webhosts are')} asked for other nodes.`)
        : off('None is named ([network] webhost).'),
    dht: dht
      ? on(
          `${counted(dht.nodes, 'node', 'nodes')} known, ${counted(dht.announced, 'package', 'packages')} announced.`,
        )
      : off('Not used ([network] dht).'),
    closed:
      wanted.keys > 0
        ? on('Only machines with the same key can connect.')
        : off('Open to all: no key is named ([network] key-file).'),
  }
  return (Object.keys(said) as Way['way'][]).map((way) => {
    const problem = problems.find(({ code }) => code === PROBLEM_OF[way])
    const { state, about, fix = null } = said[way]
    return problem
      ? { way, state: 'wrong', about: problem.problem, fix: problem.fix }
      : { way, state, about, fix }
  })
}

const PROBLEM_OF: Record<Way['way'], ProblemCode | undefined> = {
  incoming: undefined,
  lan: 'lan',
  direct: 'direct',
  webhost: 'webhost',
  dht: 'dht',
  closed: 'key',
}

function incoming({ listen, reachable }: WayFacts): Said {
  if (listen === null) return { state: 'off', about: 'This machine takes no connections ([network] listen).' }
  if (reachable === 'yes') return { state: 'on', about: `Others can connect to this machine at ${listen}.` }
  if (reachable === 'unknown')
    return {
      state: 'unknown',
      about: `Nobody has tried yet whether this machine can be reached at ${listen}.`,
    }
  const { port = '' } = splitHostPort(listen) ?? {}
  return {
    state: 'wrong',
    about: unreachableAt(port),
    fix: `let ${port}/tcp in through the firewall; behind a router, forward the port there and set [network] advertise`,
  }
}

const counted = (count: number, one: string, more: string) => `${count} ${count === 1 ? one : more}`
