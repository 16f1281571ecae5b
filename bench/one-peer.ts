/**
 * One peer, loopback, 1 GiB: `npm run build && node --import tsx bench/one-peer.ts [ROUNDS] [MIB]` (5, 1024).
 * The program fetches from a holder, verified; nginx to curl fetches the same to the same disk, unverified. Needs
 * root and nginx (Debian: nginx-light).
 */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BARE_ENVIRONMENT, waitFor } from '../test/e2e/commands.ts'
import { makePackage } from '../test/e2e/packages.ts'
import { createLoopback, median } from './loopback.ts'
import { nginxWords, touchMemory } from './nginx.ts'

const rounds = Number(process.argv[2] ?? 5)
const size = Number(process.argv[3] ?? 1024) * 1024 * 1024
const NGINX_PORT = 28040
const item = makePackage({ name: 'big', size })
const lab = await createLoopback([item])
const holder = await lab.add('holder', [item])
const asker = await lab.add('asker', [])
const out = join(asker.pacman.cache, `${item.file}.part`)
const url = `${lab.server}/${item.file}`

/** CPU seconds that a process has used. */
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The most memory that a process has had, in MB. */
function peak(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000
}

function run(command: string[]): number {
  rmSync(out, { force: true })
  touchMemory(size)
  const begin = performance.now()
  const { status, stderr } = spawnSync(command[0]!, command.slice(1), {
    env: BARE_ENVIRONMENT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`)
  return (performance.now() - begin) / 1000
}

const [program, ...words] = nginxWords(join(lab.folder, 'nginx'), {
  listen: `127.0.0.1:${NGINX_PORT}`,
  root: holder.pacman.cache,
})
const nginx = spawn(program!, words, { stdio: 'ignore' })
process.on('exit', () => nginx.kill())
await waitFor(
  'nginx',
  () => spawnSync('curl', ['-sfI', `http://127.0.0.1:${NGINX_PORT}/${item.file}`]).status === 0,
)

const figures = {
  ours: [] as number[],
  curl: [] as number[],
  askerCpu: [] as number[],
  holderCpu: [] as number[],
}
let askerPeak = 0
for (let round = 0; round < rounds; round++) {
  figures.curl.push(run(['curl', '-sf', '-o', out, `http://127.0.0.1:${NGINX_PORT}/${item.file}`]))
  const [pid] = asker.node.daemons() as [number]
  const [holderPid] = holder.node.daemons() as [number]
  const before = [cpu(pid), cpu(holderPid)] as const
  figures.ours.push(run([lab.program, '--config', asker.node.config, url, out]))
  figures.askerCpu.push(((cpu(pid) - before[0]) * 1e9) / size)
  figures.holderCpu.push(((cpu(holderPid) - before[1]) * 1e9) / size)
  askerPeak = Math.max(askerPeak, peak(pid))
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
const rate = (seconds: number[]) => size / 1e6 / median(seconds)
const [holderPid] = holder.node.daemons() as [number]
console.log(`| ${size / 1024 / 1024} MiB, medians of ${rounds} | |\n| --- | --- |`)
console.log(`| nginx to curl to disk, unverified | ${rate(figures.curl).toFixed(0)} MB/s |`)
console.log(`| peer to pacsrv to disk, verified | ${rate(figures.ours).toFixed(0)} MB/s |`)
console.log(`| ratio | ${(rate(figures.ours) / rate(figures.curl)).toFixed(2)} |`)
console.log(
  `| asking daemon | ${median(figures.askerCpu).toFixed(2)} CPU s/GB, ${askerPeak.toFixed(0)} MB at its peak |`,
)
console.log(
  `| holding daemon | ${median(figures.holderCpu).toFixed(2)} CPU s/GB, ${peak(holderPid).toFixed(0)} MB at its peak |`,
)
process.exit(0)
