import { createOnceATurn } from '../../base/once-a-turn.ts'
import type { HaveMaps } from '../../transfer/have-maps.ts'
import type { HeldFile } from '../../wire/messages.ts'
import { createMembers, type Members } from '../crowd/members.ts'
import type { OwnDownload } from '../crowd/mirror-shares.ts'
import type { Place } from '../network.ts'
import type { PacserveSearch } from '../sources/pacserve.ts'
import { createArbiter } from '../trust/arbiter.ts'
import type { ListTrust } from '../trust/list-trust.ts'
import { createHolderIntake, type HolderIntake } from './holder-intake.ts'
import type { JobDeps, JobOrder } from './order.ts'
import type { Scheduler } from './scheduler.ts'

/** All the ways in which a job finds its peers, side by side: holders, members, and pacredir's servers. */
export interface Sourcing {
  readonly intake: HolderIntake
  readonly members: Members
  /** Undefined where they aren't wanted. */
  readonly servers: PacserveSearch | undefined
  /** Asks around, and takes this node's place among those who download the file. */
  begin(): void
  /** The job is over: `whole` is the file if it came whole. */
  close(whole: HeldFile | undefined): void
}

export interface SourcingDeps
  extends Pick<JobDeps, 'clock' | 'log' | 'network' | 'pacserve' | 'openMirror' | 'downloads'> {
  scheduler: Scheduler
  trust: ListTrust
  signal: AbortSignal
}

export interface SourcingHandler {
  /** The file as the network is told of it. */
  held(): HeldFile
  /** How far this node's own download is. */
  maps(): HaveMaps
  mine(): OwnDownload
  /** Whether peers bring the rest soon enough. */
  isServed(): boolean
  /** Who can be hoped for has changed. */
  onChange(): void
}

export function createSourcing(
  { clock, log, network, pacserve, openMirror, downloads, scheduler, trust, signal }: SourcingDeps,
  { file, mirrors, environment }: JobOrder,
  handler: SourcingHandler,
): Sourcing {
  let place: Place | undefined
  /** Many tell something new in one turn of the loop: what follows from it is considered once. */
  const turn = createOnceATurn(clock, () => {
    scheduler.trimMirrors()
    handler.onChange()
    scheduler.pump()
  })

  const members = createMembers(
    { clock, log, network },
    { file, signal },
    {
      join: scheduler.join,
      drop: scheduler.drop,
      maps: handler.maps,
      mine: handler.mine,
      hasList: () => trust.inUse !== undefined,
      onWhole: (holder) => intake.meet(holder),
      onChange: turn.soon,
    },
  )
  const arbiter = createArbiter(
    { clock, log, trust, openMirror, downloads },
    { size: file.size, mirrors, environment, signal },
  )
  const intake = createHolderIntake(
    { clock, log, network, trust, arbiter },
    { file, signal },
    {
      join: scheduler.join,
      handOver: scheduler.handOver,
      drop: scheduler.drop,
      isSound: scheduler.isSound,
      isServed: handler.isServed,
      onAdmitted: members.promoted,
      onFetching: members.learn,
      onChange: handler.onChange,
    },
  )
  const servers = pacserve?.search(file, signal, {
    join: scheduler.join,
    drop: scheduler.drop,
    onChange: handler.onChange,
  })

  return {
    intake,
    members,
    servers,
    begin() {
      place = network.join(handler.held, {
        onAnnounced(holder) {
          if (!holder.file.whole) return members.learn(holder)
          members.hasAll(holder.id)
          intake.meet(holder)
        },
        onWithdrawn: members.withdrawn,
        onHave: members.heard,
      })
      servers?.begin()
      intake.search()
    },
    close(whole) {
      turn.stop()
      members.close({ hasAll: whole !== undefined })
      place?.leave(whole)
    },
  }
}
