import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { makePackages, type Package } from './packages.ts'
import { assertCache, install, type Member, packageRequests } from './pair.ts'

/** Nobody looks for neighbours beyond those of [direct]; the mirror is held back while a search goes on. */
const chained = (...network: string[]) => ({
  network: ['lan = no', 'min-connections = 0', ...network],
  mirror: ['delay = 2s'],
})

interface Setting {
  lab: Lab
  mirror: Mirror
  /** One to five, each a neighbour of the one before; the last holds all packages, the first asks 4 hops far. */
  chain: Member[]
  /** A neighbour of the second, that asks 2 hops far. */
  near: Member
}

async function createChain(lab: Lab, mirror: Mirror, packages: Package[]): Promise<Setting> {
  const hosts = Array.from({ length: 5 }, (_, i) => lab.host(`host${i + 1}`))
  const members = hosts.map((host, i) =>
    createMember(lab, mirror, host, {
      holds: i === 4 ? packages : [],
      sections: { ...chained(...(i === 0 ? ['ttl = 4'] : [])), ...(i > 0 ? directTo(hosts[i - 1]!) : {}) },
    }),
  )
  const asker = createMember(lab, mirror, lab.host('near'), {
    sections: { ...chained('ttl = 2'), ...directTo(hosts[1]!) },
  })
  const [chain, near] = [await Promise.all(members), await asker]
  await Promise.all([1, 3, 2, 2, 1].map((count, i) => untilNeighbours(chain[i]!, count)))
  return { lab, mirror, chain, near }
}

const untilNeighbours = ({ node }: Member, count: number) =>
  node.until(`${count} neighbours`, (status) => status.peers.length === count)

const sizeOf = (items: Package[]) => items.reduce((sum, item) => sum + item.size, 0)

async function findNamesTheHolder({ lab, chain }: Setting, item: Package) {
  const [asker, , , , holder] = chain as [Member, Member, Member, Member, Member]
  const { id } = (await holder.node.status()).node
  const address = `${holder.host.address}:8048`
  const json = await asker.node.run(['find', '--json', item.file])
  assert.is(json.code, 0, json.all)
  const { file, size, sha256 } = item
  const holders = [{ id, address, reachable: true, via: 'answer' }]
  assert.equal(JSON.parse(json.stdout), { file, size, sha256, here: false, holders })

  const text = await asker.node.run(['find', file])
  assert.is(text.code, 0, text.all)
  assert.match(text.stdout, /: 1 node has it\n/)
  assert.ok(text.stdout.endsWith(`\n  ${address}  ${id.slice(0, 16)}\n`), text.stdout)
  const unknown = await asker.node.run(['find', 'none-1-1-any.pkg.tar.zst'])
  assert.is.not(unknown.code, 0)
  assert.match(unknown.stderr, 'no sync database names none-1-1-any.pkg.tar.zst')
  lab.note(`find, four hops: ${json.seconds.toFixed(2)} s`)
}

async function fetchedFromTheHolder({ lab, mirror, chain }: Setting, packages: Package[]) {
  const asker = chain[0]!
  const outcome = await asker.pacman.run(install(packages))
  lab.note(`pacman, 2 packages from a holder four hops away: ${outcome.seconds.toFixed(2)} s`)
  assert.is(outcome.code, 0, outcome.all)
  assertCache(asker.pacman, packages)
  assert.equal(packageRequests(await mirror.log()), [], 'the mirror is untouched')
  const all = await Promise.all(chain.map(({ node }) => node.status()))
  assert.is(all[0]!.totals.fromPeers, sizeOf(packages))
  assert.is(all[0]!.totals.fromMirror, 0)
  const uploaded = all.map(({ totals }) => totals.uploaded)
  assert.equal(uploaded, [0, 0, 0, 0, sizeOf(packages)], 'nobody in between carried it')
  const addresses = all[0]!.peers.map(({ id }) => id)
  assert.equal(addresses, [all[1]!.node.id], 'the chain has stayed one')
}

async function outOfReachOfTwoHops({ lab, mirror, near }: Setting, item: Package) {
  await mirror.clearLog()
  const nobody = await near.node.run(['find', item.file])
  assert.is(nobody.code, 1, nobody.all)
  assert.match(nobody.stdout, ': 0 nodes have it\n')
  const outcome = await near.pacman.run(install([item]))
  lab.note(`pacman, a package by the mirror with ttl = 2: ${outcome.seconds.toFixed(2)} s`)
  assert.is(outcome.code, 0, outcome.all)
  assertCache(near.pacman, [item])
  const paths = packageRequests(await mirror.log()).map(({ path }) => path)
  assert.equal(paths, [`/lab/${item.file}`])
  assert.is((await near.node.status()).totals.fromPeers, 0)
}

/** Bytes that have arrived at a process's connections, and that it hasn't read. */
function unread(pid: number): number {
  const lines = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n'),
  )
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[3] === '01')
    .reduce((sum, words) => sum + Number.parseInt(words[4]!.split(':')[1]!, 16), 0)
}

/**
 * Beside 1 - 2 - 3 - 4 - 5 there is 1 - 6 - 7 - 8 - 4, too long for the query: it reaches the holder, which is
 * stopped, by way of 3 alone. Then 3 goes, and the holder carries on.
 */
async function answerComesAround({ lab, mirror, chain }: Setting, item: Package, earlier: Package[]) {
  const [asker, , middle, fourth, holder] = chain as [Member, Member, Member, Member, Member]
  let last = asker
  for (const name of ['six', 'seven', 'eight']) {
    const others = name === 'eight' ? [last.host, fourth.host] : [last.host]
    last = await createMember(lab, mirror, lab.host(name), {
      sections: { ...chained(), ...directTo(...others) },
    })
  }
  await untilNeighbours(last, 2)
  await mirror.clearLog()

  holder.node.signal('SIGSTOP')
  const pid = holder.node.daemons()[0]!
  const before = unread(pid)
  const left = () => fourth.node.log().split('"neighbour left"').length
  const leftBefore = left()
  const installing = asker.pacman.run(['-S', item.name])
  await waitFor('the query at the holder', () => unread(pid) > before)
  middle.node.signal('SIGKILL')
  await waitFor('the fourth to see it', () => left() > leftBefore)
  holder.node.signal('SIGCONT')
  const outcome = await installing
  lab.note(`pacman, the answer around a middle that went: ${outcome.seconds.toFixed(2)} s`)
  assert.is(outcome.code, 0, outcome.all)
  assertCache(asker.pacman, [...earlier, item])
  assert.equal(packageRequests(await mirror.log()), [])
  assert.is((await asker.node.status()).totals.fromPeers, sizeOf([...earlier, item]))
  assert.equal(middle.node.daemons(), [])
}

scenario('five hosts in a chain, the file at one end and pacman at the other', async (lab) => {
  const mirror = await createMirror(lab.host('mirror'))
  const packages = makePackages([
    { name: 'far', size: 900_000 },
    { name: 'away', size: 2_000, version: '1:2.0-1' },
    { name: 'named', size: 3_000 },
    { name: 'around', size: 300_000 },
  ])
  mirror.publish('lab', packages)
  const setting = await createChain(lab, mirror, packages)
  const [far, away, named, around] = packages as [Package, Package, Package, Package]
  await findNamesTheHolder(setting, named)
  await fetchedFromTheHolder(setting, [far, away])
  await outOfReachOfTwoHops(setting, named)
  await answerComesAround(setting, around, [far, away])
})

test.run()
