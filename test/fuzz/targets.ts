import type { Target } from './target.ts'
import { fileTargets } from './targets-files.ts'
import { overlayTargets } from './targets-overlay.ts'
import { serverTargets } from './targets-server.ts'
import { wireTargets } from './targets-wire.ts'

export const targets: Target[] = [...wireTargets, ...fileTargets, ...overlayTargets, ...serverTargets]
