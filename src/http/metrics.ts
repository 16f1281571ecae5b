import Counter from 'prom-client/lib/counter.js'
import Gauge from 'prom-client/lib/gauge.js'
import Registry from 'prom-client/lib/registry.js'
import type { Clock } from '../base/clock.ts'
import type { Status } from './status.ts'

/** What GET /metrics gives, in Prometheus' text format. */
export interface Metrics {
  readonly contentType: string
  /** Made again at most once in `FRESH_MS`, however often it is asked for. */
  text(): Promise<string>
}

const FRESH_MS = 1_000

/**
 * What is told of what, and how it is measured; names as Prometheus' naming conventions want them. Labels are few and
 * fixed.
 */
interface Told {
  name: string
  help: string
  label?: string
  /** By value of the label; '' where there is none. */
  of(status: Status): Record<string, number>
}

const COUNTERS: Told[] = [
  {
    name: 'pacsrv_received_bytes_total',
    help: 'Bytes of packages that came whole and right, over restarts.',
    label: 'from',
    of: ({ figures: { ever } }) => ({ site: ever.fromSite, world: ever.fromWorld, mirror: ever.fromMirror }),
  },
  {
    name: 'pacsrv_sent_bytes_total',
    help: 'Bytes of packages given to other nodes, over restarts.',
    label: 'to',
    of: ({ figures: { ever } }) => ({ site: ever.toSite, world: ever.toWorld }),
  },
  {
    name: 'pacsrv_received_packages_total',
    help: 'Packages that came whole and right, over restarts.',
    of: ({ figures: { ever } }) => ({ '': ever.packages }),
  },
  {
    name: 'pacsrv_rejected_total',
    help: 'Chunks, chunk lists and files that were wrong, over restarts.',
    of: ({ figures: { ever } }) => ({ '': ever.rejected }),
  },
  {
    name: 'pacsrv_bans_total',
    help: 'Bans that were laid on nodes, since the start.',
    of: ({ totals }) => ({ '': totals.banned }),
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the daemon, without curl, in seconds.',
    of: () => ({ '': (process.cpuUsage().user + process.cpuUsage().system) / 1e6 }),
  },
]

const GAUGES: Told[] = [
  {
    name: 'pacsrv_neighbours',
    help: 'Nodes with a lasting connection.',
    label: 'direction',
    of: ({ peers }) => ({
      in: peers.filter(({ direction }) => direction === 'in').length,
      out: peers.filter(({ direction }) => direction === 'out').length,
    }),
  },
  {
    name: 'pacsrv_downloads',
    help: 'Packages on their way here.',
    of: ({ transfers }) => ({ '': transfers.length }),
  },
  { name: 'pacsrv_shared_files', help: 'Packages held whole.', of: ({ files }) => ({ '': files.count }) },
  { name: 'pacsrv_shared_bytes', help: 'Their bytes.', of: ({ files }) => ({ '': files.bytes }) },
  {
    name: 'pacsrv_reachable',
    help: 'Whether others can connect to this node: 1 for what is so, 0 for the others.',
    label: 'state',
    of: ({ node: { reachable } }) => ({ yes: 0, no: 0, unknown: 0, [reachable]: 1 }),
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Memory of the daemon.',
    of: () => ({ '': process.memoryUsage.rss() }),
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the daemon started, since the epoch.',
    of: () => ({ '': Date.now() / 1000 - process.uptime() }),
  },
]

export function createMetrics({ status, clock }: { status(): Status; clock: Clock }): Metrics {
  const registry = new Registry()
  let made: Promise<string> | undefined
  let madeAt = 0
  let now: Status

  function measure(told: Told, metric: { reset(): void; set(labels: object, value: number): void }) {
    metric.reset()
    for (const [value, number] of Object.entries(told.of(now))) {
      metric.set(told.label === undefined ? {} : { [told.label]: value }, number)
    }
  }

  for (const told of COUNTERS) {
    const labelNames = told.label === undefined ? [] : [told.label]
    const { name, help } = told
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        // It counts elsewhere: here it is told where it stands.
        measure(told, { reset: () => this.reset(), set: (labels, value) => this.inc(labels, value) })
      },
    })
  }
  for (const told of GAUGES) {
    const labelNames = told.label === undefined ? [] : [told.label]
    const { name, help } = told
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        measure(told, this)
      },
    })
  }
  new Gauge({
    name: 'pacsrv_build_info',
    help: 'The version that runs; always 1.',
    labelNames: ['version'],
    registers: [registry],
    collect() {
      this.set({ version: now.node.version }, 1)
    },
  })

  return {
    contentType: registry.contentType,
    text() {
      if (!made || clock.now() - madeAt >= FRESH_MS) {
        madeAt = clock.now()
        now = status()
        made = registry.metrics()
      }
      return made
    },
  }
}
