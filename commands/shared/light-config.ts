// As much of oclif's configuration as running one command needs. Loading the whole one reads manifests and asks for the
// shell and the platform, which takes 30 ms; only help needs that.
import { Config } from '@oclif/core/config'
import type { ProgramManifest } from './program-manifest.ts'

export class LightConfig extends Config {
  constructor({ name, version }: ProgramManifest, root: string) {
    super({ root })
    this.root = root
    this.bin = name
    this.name = name
    this.version = version
    this.userAgent = `${name}/${version}`
  }

  /** There are no hooks: no plugins are loaded. */
  override runHook: Config['runHook'] = async () => ({ failures: [], successes: [] })
}
