/**
 * A mirror and three nodes on this machine. Two hold a package in their caches; the third fetches it, and the
 * last line says how many bytes came from whom. As root the third fetches by pacman itself.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHost } from '../test/e2e/host.ts'
import { createMirror } from '../test/e2e/mirror.ts'
import { createNode, type PacsrvNode } from '../test/e2e/node.ts'
import { fillCache, makePackage, type Package } from '../test/e2e/packages.ts'
import { createPacman, type Pacman } from '../test/e2e/pacman.ts'

const project = join(import.meta.dirname, '..')
const ADDRESS = '127.0.0.1'
/** Below the range that the system hands out by itself. */
const FIRST_PORT = 28048

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

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

interface Member {
  name: string
  node: PacsrvNode
  pacman: Pacman
}

async function run(folder: string) {
  const program = join(folder, 'dist/pacsrv-xfer')
  execFileSync('cp', ['-r', join(project, 'dist'), folder])
  const own = (name: string) => {
    mkdirSync(join(folder, name))
    return createHost(name, ADDRESS, join(folder, name))
  }
  const mirror = await createMirror(own('mirror'), 0)
  const packages = [
    makePackage({ name: 'demo', size: 80_000_000 }),
    makePackage({ name: 'other', size: 300_000 }),
  ]
  mirror.publish('lab', packages)
  console.log(`mirror  ${mirror.url}/lab with ${packages.map((item) => item.file).join(', ')}`)

  const members: Member[] = []
  for (const [n, name] of ['anna', 'bert', 'cleo'].entries()) {
    const host = own(name)
    const others = members.map((_, other) => `server = ${ADDRESS}:${FIRST_PORT + 2 * other}`)
    const node = createNode({ program, showOnFailure() {} }, host, join(host.folder, 'pacman.conf'), {
      network: [`listen = ${ADDRESS}:${FIRST_PORT + 2 * n}`],
      server: [`listen = ${ADDRESS}:${FIRST_PORT + 2 * n + 1}`],
      direct: others,
    })
    const pacman = createPacman(host, {
      repositories: { lab: [`${mirror.url}/lab`] },
      options: [`XferCommand = ${node.xferCommand}`],
    })
    copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
    const held = n < 2 ? packages : []
    fillCache(pacman.cache, held)
    await node.start()
    await node.until('its files indexed', (status) => status.files.count === held.length)
    console.log(`${name}    ${ADDRESS}:${FIRST_PORT + 2 * n} holds ${held.length} packages`)
    members.push({ name, node, pacman })
  }
  const asker = members.pop()!
  await asker.node.until('both neighbours', (status) => status.peers.length === 2)
  await mirror.clearLog()
  fetch(asker, `${mirror.url}/lab`, packages[0]!)
  const fromMirror = (await mirror.log())
    .filter((request) => !request.path.endsWith('.db'))
    .reduce((sum, request) => sum + request.bytes, 0)
  const shares = await Promise.all(
    members.map(async ({ name, node }) => `${megabytes((await node.status()).totals.uploaded)} from ${name}`),
  )
  mirror.stop()
  console.log(`${packages[0]!.file}: ${[...shares, `${megabytes(fromMirror)} from the mirror`].join(', ')}`)
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

function cleanUp(folder: string) {
  for (const pid of createHost('all', ADDRESS, folder).pids(folder, 'daemon')) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

prepareMachine()
buildProgram()
const folder = mkdtempSync(join(tmpdir(), 'pacsrv-demo-'))
execFileSync('chmod', ['755', folder])
process.on('exit', () => cleanUp(folder))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
await run(folder)
