import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import type { Status } from './node.ts'
import { makePackages } from './packages.ts'
import { createPair } from './pair.ts'

const packages = makePackages([
  { name: 'small', size: 30_000 },
  { name: 'large', size: 3_000_000 },
])
const bytes = packages.reduce((sum, { size }) => sum + size, 0)

async function counted(lab: Lab) {
  const { holder, asker } = await createPair(lab, packages)
  const outcome = await asker.pacman.run(['-Syw', ...packages.map(({ name }) => name)])
  assert.is(outcome.code, 0, outcome.all)
  // What it says of itself while it runs is what it finds again.
  const before = (await asker.node.status()) as WithFigures
  assert.is(before.figures.today.fromSite, bytes)
  assert.is(before.figures.today.packages, packages.length)
  const given = (await holder.node.status()) as WithFigures
  assert.ok(given.figures.today.toSite! >= bytes, `${given.figures.today.toSite} of ${bytes}`)

  asker.node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => asker.node.daemons().length === 0)
  await asker.node.start()
  const after = (await asker.node.status()) as WithFigures
  assert.equal(after.figures, before.figures)
  assert.is(after.totals.fromPeers, 0, 'totals begin with the daemon')

  const file = join(asker.host.folder, 'metrics')
  const scrape = ['curl', '-sf', '--unix-socket', asker.node.socket, '-o', file, 'http://localhost/metrics']
  assert.is((await asker.host.exec(scrape)).code, 0)
  const metrics = readFileSync(file, 'utf8')
  assert.ok(metrics.includes(`pacsrv_received_bytes_total{from="site"} ${bytes}\n`), metrics)
  const verdict = await asker.host.exec(['sh', '-c', `promtool check metrics <${file}`])
  assert.is(verdict.code, 0, verdict.all)
  assert.is(verdict.all.trim(), '')
}

interface WithFigures extends Status {
  figures: { today: Record<string, number>; days30: Record<string, number>; ever: Record<string, number> }
}

scenario('what was counted outlasts a restart, and Prometheus has nothing against the metrics', counted, [
  'prometheus',
])

test.run()
