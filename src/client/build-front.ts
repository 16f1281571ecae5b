/** Builds the native front with what makepkg or the user wants of a compiler, and the hardening flags that Arch uses. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(fileURLToPath(import.meta.url))
const STANDARD = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra']
const HARDENED = ['-O2', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=3', '-fstack-protector-strong']
/** Not every compiler and machine has these. */
const WHERE_TAKEN = ['-fstack-clash-protection', '-fcf-protection']
const LINKED = ['-fPIE', '-Wl,-z,relro,-z,now']
/** With libc in it: the dynamic loader takes a fifth of a call's time. Name services, which libc loads, aren't used. */
const STATIC = '-static-pie'
const SANITIZED = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']

const words = (text: string | undefined) => (text ?? '').split(/\s+/).filter(Boolean)

function compile(args: string[]) {
  const { CC = 'cc', CPPFLAGS, CFLAGS, LDFLAGS } = process.env
  const [command = 'cc', ...first] = words(CC)
  const all = [...first, ...args, ...words(CPPFLAGS), ...words(CFLAGS), ...words(LDFLAGS)]
  return spawnSync(command, all, { encoding: 'utf8' })
}

const isTaken = (flag: string) =>
  compile([flag, '-Werror', '-x', 'c', '-c', '-o', '/dev/null', '/dev/null']).status === 0

/** Not everywhere is there a libc.a that is fit for it. */
function canLinkStatic(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-build-'))
  try {
    const source = join(folder, 'x.c')
    writeFileSync(source, 'int main(void) { return 0; }\n')
    return compile([...LINKED, STATIC, '-o', join(folder, 'x'), source]).status === 0
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `sanitize`: for tests, with ASan and UBSan. Throws with what the compiler said. */
export function buildFront(output: string, { sanitize = false } = {}): void {
  const sources = readdirSync(folder).filter((name) => name.endsWith('.c'))
  const kind = sanitize ? SANITIZED : [...HARDENED, ...WHERE_TAKEN.filter(isTaken)]
  // A user's newer compiler may warn of more than ours.
  const warnings = sanitize ? ['-Werror'] : []
  const files = sources.map((name) => join(folder, name))
  const { status, stderr, error } = compile([
    ...STANDARD,
    ...kind,
    ...warnings,
    ...LINKED,
    !sanitize && canLinkStatic() ? STATIC : '-pie',
    '-o',
    output,
    ...files,
  ])
  if (error) throw new Error(`the front needs a C compiler (CC, or cc): ${error.message}`)
  if (status !== 0) throw new Error(`the front was not built:\n${stderr}`)
}
