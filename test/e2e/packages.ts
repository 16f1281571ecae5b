import { createCipheriv, createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './commands.ts'

/** What is kept between runs, since its contents follow from what was asked for alone. Nobody else may have laid it. */
export function labCache(): string {
  const user = process.getuid!()
  const folder = join(tmpdir(), `pacsrv-cache-${user}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  if (statSync(folder).uid !== user) throw new Error(`${folder} belongs to somebody else: remove it`)
  return folder
}

export interface PackageSpec {
  name: string
  /** pacman's, with epoch and release; default 1.0-1. */
  version?: string
  /** Bytes of incompressible payload: the file is a few hundred more. */
  size: number
}

export interface Package {
  name: string
  version: string
  /** Base name. */
  file: string
  path: string
  size: number
  sha256: string
  installedSize: number
  /** Its detached signature, where that is another's than `PATH.sig`. */
  signature?: string
}

const BUILD_DATE = 1_700_000_000

/** A package file that pacman installs: `.PKGINFO` and one payload, the same bytes on every machine. */
export function makePackage({ name, version = '1.0-1', size }: PackageSpec): Package {
  const file = `${name}-${version}-x86_64.pkg.tar.zst`
  const folder = join(labCache(), 'packages', `${size}`)
  const path = join(folder, file)
  if (!existsSync(path)) build(path, { name, version, size })
  const bytes = readFileSync(path)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { name, version, file, path, size: bytes.length, sha256, installedSize: size }
}

export const makePackages = (specs: PackageSpec[]): Package[] => specs.map(makePackage)

function build(path: string, { name, version, size }: Required<PackageSpec>) {
  const stage = `${path}.${process.pid}`
  const payload = `usr/share/${name}`
  mkdirSync(join(stage, payload), { recursive: true })
  writeFileSync(join(stage, '.PKGINFO'), packageInfo(name, version, size))
  writeFileSync(join(stage, payload, 'payload'), seededBytes(`${name} ${version}`, size))
  must('find', stage, '-exec', 'touch', '-hd', `@${BUILD_DATE}`, '{}', '+')
  const owner = ['--uid', '0', '--gid', '0', '--uname', 'root', '--gname', 'root']
  const packed = `${stage}.tar.zst`
  must('bsdtar', '--zstd', ...owner, '-cf', packed, '-C', stage, '.PKGINFO', 'usr')
  rmSync(stage, { recursive: true })
  renameSync(packed, path)
}

/** Bytes that no compressor shortens, told by `seed` alone. */
export function seededBytes(seed: string, size: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}

const packageInfo = (name: string, version: string, size: number) =>
  [
    `pkgname = ${name}`,
    `pkgbase = ${name}`,
    `pkgver = ${version}`,
    `pkgdesc = ${name} for tests`,
    'url = https://example.org/',
    `builddate = ${BUILD_DATE}`,
    'packager = pacsrv lab',
    `size = ${size}`,
    'arch = x86_64',
    'license = GPL',
    '',
  ].join('\n')

/**
 * Writes the sync database `NAME.db` of these packages, as repo-add lays it out, into `folder`. `signed`: with their
 * signatures in it.
 */
export function writeDatabase(folder: string, name: string, packages: Package[], signed = false): string {
  const stage = join(folder, `.${name}.db.stage`)
  for (const item of packages) {
    const entry = join(stage, `${item.name}-${item.version}`)
    mkdirSync(entry, { recursive: true })
    writeFileSync(join(entry, 'desc'), describe(item, signed))
  }
  const path = join(folder, `${name}.db`)
  must('sh', '-c', 'cd "$1" && bsdtar -czf "$2" -- *', 'sh', stage, path)
  rmSync(stage, { recursive: true })
  return path
}

const describe = (item: Package, signed: boolean) =>
  Object.entries({
    FILENAME: item.file,
    NAME: item.name,
    BASE: item.name,
    VERSION: item.version,
    DESC: `${item.name} for tests`,
    CSIZE: item.size,
    ISIZE: item.installedSize,
    SHA256SUM: item.sha256,
    ...(signed ? { PGPSIG: readFileSync(item.signature ?? `${item.path}.sig`, 'base64') } : {}),
    URL: 'https://example.org/',
    LICENSE: 'GPL',
    ARCH: 'x86_64',
    BUILDDATE: BUILD_DATE,
    PACKAGER: 'pacsrv lab',
  })
    .map(([key, value]) => `%${key}%\n${value}\n\n`)
    .join('')

/** Copies package files into a cache folder, as if pacman had downloaded them. */
export function fillCache(folder: string, packages: Package[]) {
  mkdirSync(folder, { recursive: true })
  for (const item of packages) copyFileSync(item.path, join(folder, item.file))
}

/** Fifty packages of every kind of size and name, about 30 MB in all. */
export function fiftyPackages(): Package[] {
  const sizes = [300, 4_000, 30_000, 65_000, 70_000, 150_000, 400_000, 900_000, 1_500_000, 2_500_000]
  const names: Record<number, Partial<PackageSpec>> = {
    3: { version: '1:1.3-1' },
    11: { name: 'libsigc++' },
    17: { version: '2.0+r13~rc1-2' },
    23: { name: 'gtk2_engine@x', version: '3:1.0.0.r5.gabc-1' },
  }
  return makePackages(
    Array.from({ length: 50 }, (_, n) => ({
      name: `pack${String(n).padStart(2, '0')}`,
      size: sizes[n % sizes.length]!,
      ...names[n],
    })),
  )
}
