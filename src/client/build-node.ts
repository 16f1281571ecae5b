/**
 * Fetches the Node that a standalone package carries: the official program, as npm has it. It is held against the hash that
 * stands here.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const VERSION = '24.21.0'
/** By architecture: the hash of npm's package. */
const INTEGRITY: Readonly<Record<string, string>> = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
}

/** Puts `node` and its licence, `LICENSE.node`, into a folder. Throws where it can't be had, or is another. */
export function buildNode(output: string, arch: string = process.arch): void {
  const integrity = Object.hasOwn(INTEGRITY, arch) ? INTEGRITY[arch] : undefined
  if (!integrity) throw new Error(`there is no standalone package for ${arch}`)
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-node-'))
  try {
    const pack = ['pack', '--silent', '--prefer-offline', '--pack-destination', folder]
    execFileSync('npm', [...pack, `node-linux-${arch}@${VERSION}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const archive = join(folder, readdirSync(folder)[0]!)
    assertIs(readFileSync(archive), integrity)
    const names = { 'package/bin/node': 'node', 'package/LICENSE': 'LICENSE.node' }
    const renaming = Object.entries(names).map(([from, to]) => `--transform=s,^${from}$,${to},`)
    execFileSync('tar', ['-xzf', archive, '-C', output, ...renaming, ...Object.keys(names)])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `integrity`: as npm writes it. */
export function assertIs(bytes: Uint8Array, integrity: string): void {
  const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  if (found !== integrity) throw new Error(`Node's program is another than expected: ${found}`)
}
