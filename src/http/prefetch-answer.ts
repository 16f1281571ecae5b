import type { ServerResponse } from 'node:http'
import { PacsrvError } from '../base/error.ts'
import type { Prefetch, PrefetchReport } from '../fetch/prefetch.ts'

/** A line of JSON in the answer to POST /v1/prefetch: how far it is, and last how it ended. */
export type PrefetchLine = { report: PrefetchReport; over: boolean } | { problem: string }

/** How often it is told how far it is, in milliseconds. */
const EACH_MS = 500

/** Answers POST /v1/prefetch. A caller that goes away doesn't stop it. */
export async function answerPrefetch(
  response: ServerResponse,
  { prefetch }: { prefetch: Prefetch },
): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  const line = (what: PrefetchLine) => `${JSON.stringify(what)}\n`
  let toldAt = Number.NEGATIVE_INFINITY
  try {
    const report = await prefetch.run((report) => {
      if (performance.now() - toldAt < EACH_MS || response.destroyed) return
      toldAt = performance.now()
      response.write(line({ report, over: false }))
    })
    response.end(line({ report, over: true }))
  } catch (error) {
    response.end(line({ problem: error instanceof PacsrvError ? error.message : 'see the daemon’s log' }))
  }
}
