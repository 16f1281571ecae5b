import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from './commands.ts'
import type { Host } from './host.ts'
import type { Lab } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import type { Sections } from './node.ts'
import type { Package } from './packages.ts'
import { createPacman } from './pacman.ts'
import { assertCache, CURL, type Member } from './pair.ts'

export interface CrowdSetting {
  hosts: number
  packages: Package[]
  /** Fetched before, by all at once and not measured: a daemon that has just started runs cold code. */
  before?: Package[]
  /** tc's rates of each host's link, and of the mirror's. */
  link: string
  mirrorLink: string
  /** How host `n` finds the others, and how many of them it meets; by default all name each other. */
  meeting?: (hosts: Host[], n: number) => { sections: Sections; peers: number }
  /** The environment of the daemons, or of host `n`'s. */
  env?: Record<string, string> | ((n: number) => Record<string, string>)
  /** Host `n`'s program; by default the lab's. */
  program?: (n: number) => string
  /** The machine `host` stands still, with all that runs there, this many seconds after the start; it isn't waited for. */
  freezes?: { host: number; after: number }
  /** Called as the measured part begins; what it returns, as it ends. */
  measured?: (members: Member[]) => () => void
}

export interface CrowdFigures {
  /** Seconds of pacman, one host alone by curl, and each of the crowd. */
  alone: number
  each: number[]
  /** What pacman said and cost on each. */
  outcomes: Outcome[]
  /** Bytes that left the mirror's link, for one host alone and for the crowd. */
  aloneBytes: number
  bytes: number
  /** Bytes that the daemons had from each other; of all but the one that stands still. */
  fromPeers: number
  /** Bytes that each of these had from the mirror. */
  fromMirror: number[]
}

/**
 * An office at nine o'clock: all hosts start `pacman -Sw` of the same packages at once, and nobody has any. Throws
 * where one of them fails or has a wrong file. The rival comes first: one host alone, by curl.
 */
export async function runCrowd(lab: Lab, setting: CrowdSetting): Promise<CrowdFigures> {
  const { packages, before = [], link, mirrorLink, env = {} } = setting
  const mirrorHost = lab.host('mirror', { rate: mirrorLink })
  const mirror = await createMirror(mirrorHost)
  mirror.publish('lab', [...packages, ...before])
  const wordsFor = (wanted: Package[]) => ['-Sw', ...wanted.map((item) => item.name)]
  const words = wordsFor(packages)
  const measured = async <T>(body: () => Promise<T>) => {
    const before = await sentBytes(mirrorHost)
    const result = await body()
    return [result, (await sentBytes(mirrorHost)) - before] as const
  }

  const loner = lab.host('loner', { rate: link })
  const lonePacman = createPacman(loner, {
    repositories: { lab: [`${mirror.url}/lab`] },
    options: [CURL],
  })
  await lonePacman.run(['-Sy'])
  const [alone, aloneBytes] = await measured(() => lonePacman.run(words))
  if (alone.code !== 0) throw new Error(alone.all)
  assertCache(lonePacman, packages)
  rmSync(lonePacman.cache, { recursive: true })

  const hosts = Array.from({ length: setting.hosts }, (_, n) => lab.host(`desk${n}`, { rate: link }))
  const members: Member[] = []
  const meetings = hosts.map((_, n) => (setting.meeting ?? meetAll)(hosts, n))
  for (const [n, host] of hosts.entries()) {
    const own = typeof env === 'function' ? env(n) : env
    const build = { ...lab, program: setting.program?.(n) ?? lab.program }
    members.push(await createMember(build, mirror, host, { sections: meetings[n]!.sections, env: own }))
  }
  for (const [n, { node }] of members.entries())
    await node.until('its neighbours', ({ peers }) => peers.length >= meetings[n]!.peers, 60)

  if (before.length > 0) await Promise.all(members.map(({ pacman }) => pacman.run(wordsFor(before))))

  const finished = setting.measured?.(members)
  const sound = members.filter((_, n) => n !== setting.freezes?.host)
  const [outcomes, bytes] = await measured(() => {
    const runs = members.map(({ pacman }) => pacman.run(words))
    if (setting.freezes) void freeze(hosts[setting.freezes.host]!, setting.freezes.after)
    return Promise.all(runs.filter((_, n) => n !== setting.freezes?.host))
  })
  finished?.()
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome.code !== 0) throw new Error(`${sound[n]!.host.name}: ${outcome.all}`)
    assertCache(sound[n]!.pacman, [...packages, ...before])
  }
  const totals = await Promise.all(sound.map(async ({ node }) => (await node.status()).totals))
  const fromPeers = totals.reduce((all, one) => all + one.fromPeers, 0)
  const fromMirror = totals.map((one) => one.fromMirror)
  const each = outcomes.map(({ seconds }) => seconds)
  return {
    alone: alone.seconds,
    each,
    outcomes,
    aloneBytes,
    bytes,
    fromPeers,
    fromMirror,
  }
}

async function freeze(host: Host, after: number) {
  await sleep(after * 1000)
  for (const pid of host.pids()) process.kill(pid, 'SIGSTOP')
}

const meetAll = (hosts: Host[], n: number) => ({
  sections: directTo(...hosts.toSpliced(n, 1)),
  peers: hosts.length - 1,
})

/** What has left a host by its link, heads and all. */
export async function sentBytes(host: Host): Promise<number> {
  const { stdout } = await host.exec(['ip', '-j', '-s', 'link', 'show', 'dev', 'eth0'])
  return JSON.parse(stdout)[0].stats64.tx.bytes
}
