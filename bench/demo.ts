/**
 * A mirror and three nodes on this machine. Two hold a package in their caches; the third fetches it, and the
 * last line says how many bytes came from whom. As root the third fetches by pacman itself.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { humanSize } from '../src/base/progress.ts'
import { makePackage, type Package } from '../test/e2e/packages.ts'
import { createLoopback, type Member } from './loopback.ts'

const project = join(import.meta.dirname, '..')

const isRoot = process.getuid?.() === 0
const has = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0

/** Debian's packages of what is missing; root gets them, anyone else is told. */
function prepareMachine() {
  const wanted: [string, string][] = [
    ['bsdtar', 'libarchive-tools'],
    ['curl', 'curl'],
    ['zstd', 'zstd'],
  ]
  if (isRoot) wanted.push(['pacman', 'pacman-package-manager'])
  const missing = wanted.filter(([command]) => !has(command)).map(([, name]) => name)
  if (missing.length === 0) return
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (!isRoot || !has('apt-get')) {
    console.error(`Missing: ${missing.join(', ')}. As root: ${install}`)
    process.exit(1)
  }
  console.log(`Installing ${missing.join(', ')}`)
  execFileSync(
    'sh',
    ['-c', `apt-get update -qq && DEBIAN_FRONTEND=noninteractive ${install} -qq >/dev/null`],
    {
      stdio: 'inherit',
    },
  )
}

function buildProgram() {
  if (existsSync(join(project, 'dist/pacsrv-xfer'))) return
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: project, stdio: 'inherit' })
}

async function run() {
  const packages = [
    makePackage({ name: 'demo', size: 80_000_000 }),
    makePackage({ name: 'other', size: 300_000 }),
  ]
  const lab = await createLoopback(packages)
  const { mirror, server } = lab
  console.log(`mirror  ${server} with ${packages.map((item) => item.file).join(', ')}`)
  for (const [name, held] of [
    ['anna', packages],
    ['bert', packages],
    ['cleo', []],
  ] as const) {
    const { address } = await lab.add(name, [...held])
    console.log(`${name}    ${address} holds ${held.length} packages`)
  }
  const [anna, bert, cleo] = lab.members as [Member, Member, Member]
  await mirror.clearLog()
  fetch(cleo, server, packages[0]!)
  const fromMirror = (await mirror.log())
    .filter((request) => !request.path.endsWith('.db'))
    .reduce((sum, request) => sum + request.bytes, 0)
  const shares = await Promise.all(
    [anna, bert].map(
      async ({ name, node }) => `${humanSize((await node.status()).totals.uploaded)} from ${name}`,
    ),
  )
  mirror.stop()
  console.log(`${packages[0]!.file}: ${[...shares, `${humanSize(fromMirror)} from the mirror`].join(', ')}`)
}

/** With this terminal, so that the progress is seen. */
function fetch({ node, pacman }: Member, server: string, item: Package) {
  const out = join(pacman.cache, item.file)
  const command = isRoot
    ? ['pacman', '--config', pacman.config, '--noconfirm', '-Sy', item.name]
    : [...node.xferCommand.split(' ').slice(0, -2), `${server}/${item.file}`, out]
  console.log(`cleo$   ${command.join(' ')}`)
  const { status } = spawnSync(command[0]!, command.slice(1), { stdio: 'inherit' })
  if (status !== 0) throw new Error(`that ended with ${status}`)
  execFileSync('cmp', [out, item.path])
}

prepareMachine()
buildProgram()
await run()
process.exit(0)
