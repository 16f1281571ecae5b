/**
 * One peer, loopback, 1 GiB: `npm run build && node --import tsx bench/one-peer.ts [ROUNDS] [MIB] [--dist DIR]…`
 * (5, 1024). The program fetches from a holder, verified; nginx to curl fetches the same to the same disk, unverified.
 * Needs root and nginx. Other builds take turns with this one (builds.ts).
 */
import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { BARE_ENVIRONMENT, waitFor } from '../test/e2e/commands.ts'
import { createHost } from '../test/e2e/host.ts'
import { makePackage } from '../test/e2e/packages.ts'
import { type Build, named, takeBuilds } from './builds.ts'
import { daemonCpu, peakMemory } from './cpu.ts'
import { createLoopback, median } from './loopback.ts'
import { needNginx, nginxWords, touchMemory } from './nginx.ts'
import { createProfiling } from './profile.ts'
import { head, row } from './table.ts'

needNginx()
const builds = takeBuilds()
const rounds = Number(process.argv[2] ?? 5)
const size = Number(process.argv[3] ?? 1024) * 1024 * 1024
const NGINX_PORT = 28040
const FIRST_PORT = 28048
const item = makePackage({ name: 'big', size })
const profiling = createProfiling()

async function createRival(build: Build, n: number) {
  const options = { dist: build.folder, firstPort: FIRST_PORT + 8 * n, env: profiling.env }
  const lab = await createLoopback([item], options)
  const [holder, asker] = [await lab.add('holder', [item]), await lab.add('asker', [])]
  const out = join(asker.pacman.cache, `${item.file}.part`)
  const figures = {
    rate: [] as number[],
    asker: [] as number[],
    client: [] as number[],
    holder: [] as number[],
  }
  return { build, lab, holder, asker, out, figures, peak: 0 }
}
type Rival = Awaited<ReturnType<typeof createRival>>

const rivals: Rival[] = []
for (const [n, build] of builds.entries()) rivals.push(await createRival(build, n))
const first = rivals[0]!
const here = createHost('here', '127.0.0.1', first.lab.folder)
const gigabytes = size / 1e9

/** MB a second, and CPU seconds of the command with its children. */
async function run(command: string[], out: string) {
  rmSync(out, { force: true })
  touchMemory(size)
  const { code, all, seconds, cpuSeconds } = await here.exec(command)
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${all}`)
  return { rate: size / 1e6 / seconds, cpu: cpuSeconds }
}

async function fetchOnce(rival: Rival) {
  const { asker, holder, lab, out, figures } = rival
  const before = [daemonCpu(asker.node), daemonCpu(holder.node)] as const
  profiling.start(asker.node)
  profiling.start(holder.node)
  const url = `${lab.server}/${item.file}`
  const { rate, cpu } = await run([lab.program, '--config', asker.node.config, url, out], out)
  profiling.stop(asker.node)
  profiling.stop(holder.node)
  figures.rate.push(rate)
  figures.client.push(cpu / gigabytes)
  figures.asker.push((daemonCpu(asker.node) - before[0]) / gigabytes)
  figures.holder.push((daemonCpu(holder.node) - before[1]) / gigabytes)
  rival.peak = Math.max(rival.peak, ...asker.node.daemons().map(peakMemory))
  await profiling.done()
  const { totals } = await asker.node.status()
  if (totals.fromMirror > 0) throw new Error('the mirror took part')
  // What is whole in the spool would be handed over without a peer.
  asker.node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => asker.node.daemons().length === 0)
  for (const name of ['data', 'json'])
    rmSync(join(asker.node.spool, `${item.sha256}.${name}`), { force: true })
  await asker.node.start()
  await asker.node.until('the holder', (status) => status.peers.length === 1)
}

const [program, ...words] = nginxWords(join(first.lab.folder, 'nginx'), {
  listen: `127.0.0.1:${NGINX_PORT}`,
  root: first.holder.pacman.cache,
})
const nginx = spawn(program!, words, { stdio: 'ignore', env: BARE_ENVIRONMENT })
process.on('exit', () => nginx.kill())
const url = `http://127.0.0.1:${NGINX_PORT}/${item.file}`
await waitFor('nginx', () => spawnSync('curl', ['-sfI', url]).status === 0)

const curl: number[] = []
for (let round = 0; round < rounds; round++) {
  curl.push((await run(['curl', '-sf', '-o', first.out, url], first.out)).rate)
  for (const rival of rivals) await fetchOnce(rival)
}
head(
  `${size / 1024 / 1024} MiB, medians of ${rounds}`,
  'MB/s',
  'of nginx to curl',
  'CPU s/GB: asking daemon; client; holding daemon',
  'MB at their peaks: asking, holding',
)
row('nginx to curl to disk, unverified', median(curl).toFixed(0), '1', '', '')
for (const { build, figures, peak, holder } of rivals) {
  const cpu = [figures.asker, figures.client, figures.holder].map((values) => median(values).toFixed(2))
  const holderPeak = Math.max(...holder.node.daemons().map(peakMemory))
  row(
    named('peer to pacsrv to disk, verified', build),
    median(figures.rate).toFixed(0),
    (median(figures.rate) / median(curl)).toFixed(2),
    cpu.join('; '),
    `${peak.toFixed(0)}, ${holderPeak.toFixed(0)}`,
  )
}
process.exit(0)
