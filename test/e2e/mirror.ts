import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.ts'
import { type Package, writeDatabase } from './packages.ts'

/** A request as the mirror saw it; `bytes` of body that it handed to the network. */
export interface MirrorRequest {
  path: string
  method: string
  range: string | undefined
  status: number
  bytes: number
}

/** How the mirror treats paths that contain `path` and match `match` (all, without them); later rules win. */
export interface Rule {
  path?: string
  match?: string
  /** Milliseconds before the answer. */
  delay?: number
  /** For each answer by itself. */
  bytesPerSecond?: number
  noRanges?: boolean
  /** Bytes to add to the Content-Length that is right. */
  wrongLength?: number
  /** Where it sends the client instead; `redirectTo`: a mirror that has the same paths. */
  redirect?: string
  redirectTo?: string
  /** Only the requests of such paths from this one on, counted from 1 since the rules were laid. */
  from?: number
  /** Answered with this page in the file's place, as a hotspot does: no length where `noLength`, and no time. */
  page?: string
  /** By chunks, or to the connection's end, without a Content-Length. */
  chunked?: boolean
  noLength?: boolean
  noModified?: boolean
  /** Says so, and doesn't encode anything. */
  encoding?: string
  /** An expression that the User-Agent must match, else 403. */
  agent?: string
  /** `user:password`, else 401. */
  auth?: string
  /** Serves this folder in place of its own. */
  stale?: string
  /** Answered with this and a page. */
  status?: number
  /** Bytes of body after which it goes silent, or hangs up. */
  stallAfter?: number
  dropAfter?: number
  /** Offset of a byte to spoil. */
  corruptAt?: number
}

export interface Mirror {
  /** With the port, no slash at the end. */
  url: string
  /** What it serves. */
  folder: string
  /** Adds a repository with its database: `URL/NAME` is its Server. */
  publish(name: string, packages: Package[]): void
  behave(rules: Rule[]): Promise<void>
  log(): Promise<MirrorRequest[]>
  clearLog(): Promise<void>
  stop(): void
}

const PROGRAM = join(import.meta.dirname, 'mirror-server.ts')

/** Runs a mirror on a host (or on this machine as it is), until the lab closes or `stop`. Port 0: any free one. */
export async function createMirror(
  host: Pick<Host, 'address' | 'folder' | 'spawn'>,
  port = 8080,
): Promise<Mirror> {
  const folder = join(host.folder, 'mirror')
  mkdirSync(folder, { recursive: true })
  const child = host.spawn([process.execPath, '--import', 'tsx', PROGRAM, folder, String(port)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: join(import.meta.dirname, '../..'),
  })
  let asked = 0
  const ask = <T>(id: number, message?: object) =>
    new Promise<T>((resolve, reject) => {
      const hear = (answer: { ask: number }) => {
        if (answer.ask !== id) return
        child.off('message', hear)
        child.off('exit', end)
        resolve(answer as T)
      }
      const end = (code: number | null) => reject(new Error(`the mirror ended with ${code}`))
      child.on('message', hear)
      child.once('exit', end)
      if (message) child.send({ ...message, ask: id })
    })
  const request = (message: object) => ask<{ log: MirrorRequest[] }>(++asked, message)
  const ready = await ask<{ port: number }>(0)
  return {
    url: `http://${host.address}:${ready.port}`,
    folder,
    publish(name, packages) {
      const own = join(folder, name)
      mkdirSync(own, { recursive: true })
      for (const item of packages) copyFileSync(item.path, join(own, item.file))
      writeDatabase(own, name, packages)
    },
    behave: async (rules) => void (await request({ rules })),
    log: async () => (await request({})).log,
    clearLog: async () => void (await request({ clear: true })),
    stop: () => void child.kill(),
  }
}
