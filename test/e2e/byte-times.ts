import type { Host } from './host.ts'

/** How an answer came: bytes that were there so many milliseconds after it was asked for. */
export interface ByteTimes {
  status: number
  bytes: number
  /** SHA-256 of what came. */
  sha256: string
  /** When the first byte came, and when the last. */
  first: number
  last: number
  /** Bytes that had come by then. */
  by(ms: number): number
}

const PROGRAM = `
  const hash = require('node:crypto').createHash('sha256')
  const begin = performance.now()
  require('node:http').get(process.argv[1], (response) => {
    const came = []
    response.on('data', (part) => { hash.update(part); came.push([performance.now() - begin, part.length]) })
    response.on('close', () => console.log(JSON.stringify({ status: response.statusCode, came, sha256: hash.digest('hex') })))
  })`

/** Asks from a host, as any HTTP client would. */
export async function byteTimes(host: Host, url: string): Promise<ByteTimes> {
  const outcome = await host.exec([process.execPath, '-e', PROGRAM, url])
  const { status, sha256, came } = JSON.parse(outcome.stdout) as {
    status: number
    sha256: string
    came: [number, number][]
  }
  const by = (ms: number) => came.reduce((sum, [at, bytes]) => sum + (at <= ms ? bytes : 0), 0)
  const last = came.at(-1)?.[0] ?? 0
  return { status, sha256, bytes: by(last), first: came[0]?.[0] ?? 0, last, by }
}
