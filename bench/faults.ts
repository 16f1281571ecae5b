/**
 * What bad and dying holders cost: 12 holders at 2 Mbit/s up, a mirror at 8, a downloader at 100, one file of 30 MB.
 * `npm run build && node --import tsx bench/faults.ts [ROUNDS]` (3); needs root, ip, tc and pacman. Medians; the rival
 * is the same work with the honest or surviving holders alone, in the same run.
 */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from '../test/e2e/commands.ts'
import { forgetFile, startFalseHolder } from '../test/e2e/holders.ts'
import type { Host } from '../test/e2e/host.ts'
import { createLab } from '../test/e2e/lab.ts'
import { createMember, directTo } from '../test/e2e/member.ts'
import { createMirror } from '../test/e2e/mirror.ts'
import { makePackage } from '../test/e2e/packages.ts'
import type { Member } from '../test/e2e/pair.ts'
import { median } from './loopback.ts'

const rounds = Number(process.argv[2] ?? 3)
const HONEST = 7
const HOLDERS = 12
const MIRROR_BITS = 8e6
const HOLDER_BITS = 2e6
const item = makePackage({ name: 'thirty', size: 30_000_000 })
const lab = createLab()
const mirror = await createMirror(lab.host('mirror', { rate: '8mbit' }))
mirror.publish('lab', [item])
const url = `${mirror.url}/lab/${item.file}`

const holders: Member[] = []
for (let n = 0; n < HOLDERS; n++) {
  const host = lab.host(`holder${n}`, { rate: '2mbit' })
  holders.push(await createMember(lab, mirror, host, { holds: [item] }))
}
const bad: Host[] = []
for (const deed of ['rots', 'lies', 'rots', 'lies', 'rots'] as const) {
  const host = lab.host(`bad${bad.length}`, { rate: '2mbit' })
  await startFalseHolder(host, { item, deed })
  bad.push(host)
}

async function createAsker(name: string, known: Host[]) {
  const member = await createMember(lab, mirror, lab.host(name, { rate: '100mbit' }), {
    sections: directTo(...known),
  })
  const out = join(member.pacman.cache, item.file)
  await forgetFile(member, item)
  return {
    host: member.host,
    /** Seconds that the file takes; `during` goes on beside it. Afterwards the asker is gone: others would find it. */
    async fetch(during = async () => {}) {
      await member.node.start()
      await member.node.until('all holders', ({ peers }) => peers.length === known.length, 60)
      const [outcome] = await Promise.all([member.node.run([url, out]), during()])
      if (outcome.code !== 0) throw new Error(outcome.all)
      must('cmp', out, item.path)
      const { totals } = await member.node.status()
      lab.note(`${name}: ${outcome.seconds.toFixed(2)} s, ${JSON.stringify(totals)}`)
      await forgetFile(member, item)
      return { seconds: outcome.seconds, totals }
    },
  }
}

const hostsOf = (members: Member[]) => members.map(({ host }) => host)
const honest = hostsOf(holders.slice(0, HONEST))
const few = await createAsker('honest', honest)
const mixed = await createAsker('mixed', [...bad.slice(0, 2), ...honest, ...bad.slice(2)])
const many = await createAsker('many', hostsOf(holders))
const dying = holders.slice(0, HOLDERS / 2)

async function half(of: number, end: () => void) {
  await sleep(of * 500)
  end()
}
const plug = (host: Host, way: 'up' | 'down') => host.exec(['ip', 'link', 'set', 'eth0', way])

const times = { alone: [] as number[], mixed: [] as number[] }
const shares = { killed: [] as number[], unplugged: [] as number[] }
let banned = 0
/** What the links could have carried of the file, over what it is. */
const share = (seconds: number, whole: number) => {
  const all = HOLDERS * HOLDER_BITS + MIRROR_BITS
  const left = all - dying.length * HOLDER_BITS
  const carried = (whole / 2) * all + (seconds - whole / 2) * left
  return (item.size * 8) / carried
}

for (let round = 0; round < rounds; round++) {
  times.alone.push((await few.fetch()).seconds)
  const { seconds, totals } = await mixed.fetch()
  times.mixed.push(seconds)
  banned += totals.banned
  const whole = (await many.fetch()).seconds
  const killed = await many.fetch(() =>
    half(whole, () => {
      for (const { node } of dying) node.signal('SIGKILL')
    }),
  )
  shares.killed.push(share(killed.seconds, whole))
  for (const { node } of dying) await node.start()
  const unplugged = await many.fetch(() =>
    half(whole, () => {
      for (const { host } of dying) void plug(host, 'down')
    }),
  )
  shares.unplugged.push(share(unplugged.seconds, whole))
  for (const { host } of dying) await plug(host, 'up')
}

const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)
row(`30 MB, medians of ${rounds}`, '')
row('---', '---')
row('7 honest holders and the mirror', `${median(times.alone).toFixed(2)} s`)
row(
  'the same with 3 that rot 1 chunk in 3 and 2 that lie about the list',
  `${median(times.mixed).toFixed(2)} s, ${(banned / rounds).toFixed(1)} of 5 banned`,
)
row('ratio', (median(times.mixed) / median(times.alone)).toFixed(2))
row('6 of 12 killed at half time: share of what the links allow', `${median(shares.killed).toFixed(2)}`)
row('6 of 12 unplugged at half time: the same', `${median(shares.unplugged).toFixed(2)}`)
lab.close()
process.exit(0)
