import { noCounts } from '../../src/figures/counts.ts'
import { dayOf, daysBefore } from '../../src/figures/ledger.ts'
import type { Status } from '../../src/http/status.ts'
import { waysOf } from '../../src/http/ways.ts'
import { seeded } from '../seeded.ts'
import { samplePeer, sampleStatus, sampleTransfer } from './sample.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const MINUTE = 60_000

/** What the page of a large office may have to show: something in every place. */
export function fullStatus(now: Date): Status {
  const chance = seeded(7)
  const random = () => chance.below(1_000) / 1_000
  const ago = (minutes: number) => new Date(now.getTime() - minutes * MINUTE).toISOString()
  const id = (n: number) => n.toString(16).padStart(64, '0')
  const peers = Array.from({ length: 200 }, (_, n) =>
    samplePeer({
      id: id(n),
      address: n % 3 === 2 ? `[2001:db8:4f:${n.toString(16)}::1]:8048` : `192.168.${n >> 6}.${n + 10}:8048`,
      name: n % 3 === 0 ? `desk-${n + 1}` : null,
      distance: n % 3 === 2 ? 'world' : n % 3 === 1 ? 'site' : 'link',
      since: ago(n * 37),
      gave: Math.round(random() * (200 - n) * 20 * MIB),
      took: Math.round(random() * (200 - n) * 15 * MIB),
    }),
  )
  const days = Array.from({ length: 30 }, (_, n) => {
    const busy = n % 7 < 5 ? 1 : 0.1
    return {
      day: daysBefore(dayOf(now), 29 - n),
      counts: {
        ...noCounts(),
        fromSite: Math.round(random() * busy * 1.6 * GIB),
        fromWorld: Math.round(random() * busy * 0.4 * GIB),
        fromMirror: Math.round(random() * busy * 0.3 * GIB),
        toSite: Math.round(random() * busy * 1.1 * GIB),
        packages: 30,
      },
    }
  })
  const sums = (list: typeof days) =>
    list.reduce((sum, { counts }) => {
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key]
      return sum
    }, noCounts())
  const problems = [
    {
      code: 'webhost' as const,
      problem: 'The webhost https://pacsrv.example/announce is no help now: it does not answer.',
      fix: 'see that it runs there and can be reached, or take it out of [network] webhost',
      since: ago(95),
    },
  ]
  return sampleStatus({
    node: { id: id(99), pid: 1, version: '0.1.0', listen: '[::]:8048', reachable: 'no' },
    peers,
    files: { count: 1_284, bytes: 11.4 * GIB },
    asked: {
      count: 312,
      bytes: 4.1 * GIB,
      given: 61 * GIB,
      most: [
        'linux-6.12.1.arch1-1',
        'firefox-133.0-1',
        'chromium-131.0.6778.85-1',
        'mesa-24.3.0-2',
        'gcc-14.2.1',
      ].map((name, n) => ({ file: `${name}-x86_64.pkg.tar.zst`, given: (9 - n) * GIB })),
    },
    transfers: [
      sampleTransfer({
        rate: 37 * MIB,
        sources: 3,
        from: [
          { source: 'desk-4', kind: 'site', bytes: 9 * MIB, rate: 21 * MIB },
          { source: '[2001:db8:4f:2::1]:8048 (0a1b2c3d)', kind: 'world', bytes: 4 * MIB, rate: 9 * MIB },
          {
            source: 'https://mirror.example/extra/os/x86_64/x',
            kind: 'mirror',
            bytes: 3 * MIB,
            rate: 7 * MIB,
          },
        ],
      }),
      sampleTransfer({
        file: 'libreoffice-fresh-24.8.3-1-x86_64.pkg.tar.zst',
        size: 153 * MIB,
        done: 20 * MIB,
        rate: 12 * MIB,
        from: [{ source: 'desk-10', kind: 'site', bytes: 20 * MIB, rate: 12 * MIB }],
      }),
    ],
    transactions: [3, 190, 1_600, 3_100].map((minutes, n) => ({
      began: ago(minutes + 2),
      ended: ago(minutes),
      packages: 87 - n * 20,
      names: ['linux-6.12.1.arch1-1-x86_64', 'mesa-1:24.3.0-2-x86_64', 'systemd-257-1-x86_64'].map(
        (name) => `${name}.pkg.tar.zst`,
      ),
      fromSite: (900 - n * 200) * MIB,
      fromWorld: n * 30 * MIB,
      fromMirror: n === 0 ? 0 : 120 * MIB,
    })),
    dht: { nodes: 178, announced: 1_284, dropped: 3 },
    ways: waysOf({
      listen: '[::]:8048',
      reachable: 'no',
      peers,
      dht: { nodes: 178, announced: 1_284 },
      problems,
      wanted: { lan: true, direct: 0, webhosts: 1, keys: 0 },
    }),
    totals: { fromPeers: 0, fromMirror: 0, uploaded: 0, rejected: 2, banned: 1 },
    troubles: [
      {
        kind: 'banned',
        at: ago(44),
        who: '[2001:db8:66::9]:8048',
        reason: 'it vouched for a false chunk list of firefox-133.0-1-x86_64.pkg.tar.zst',
      },
      { kind: 'rejected', at: ago(44), who: '[2001:db8:66::9]:8048 (0badcafe)', reason: 'a chunk' },
    ],
    problems,
    figures: { today: sums(days.slice(-1)), days30: sums(days), ever: sums([...days, ...days, ...days]) },
    days,
  })
}
